"""The scripted model as LangChain has models: mcp-use takes the same."""

from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from scripted import text_of


class ScriptedChat(BaseChatModel):
    script: Any

    @property
    def _llm_type(self):
        return "scripted"

    def bind_tools(self, tools, **named):
        functions = [convert_to_openai_tool(tool)["function"] for tool in tools]
        self.script.offer({function["name"]: function["parameters"] for function in functions})
        return self

    def _generate(self, messages, stop=None, run_manager=None, **named):
        self.script.results[:] = [text_of(message.content) for message in messages if isinstance(message, ToolMessage)]
        call = self.script.next()
        if call is None:
            message = AIMessage("done")
        else:
            call_id, name, arguments = call
            message = AIMessage("", tool_calls=[{"id": call_id, "name": name, "args": arguments}])
        return ChatResult(generations=[ChatGeneration(message=message)])
