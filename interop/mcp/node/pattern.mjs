// What an answer has to look like, as scenario.json writes it. `python/pattern.py` reads the same language.

export class Mismatch extends Error {}

// Throws a Mismatch that says where `value` is not what `pattern` wants; `saved` gets what `$save` names.
export function expect(pattern, value, { era, saved }, at = "") {
  const fail = (wanted) => {
    throw new Mismatch(`${at || "the answer"} is ${brief(value)}, and should be ${wanted}`);
  };
  if (Array.isArray(pattern)) {
    if (!Array.isArray(value) || value.length !== pattern.length) fail(brief(pattern));
    pattern.forEach((each, index) => expect(each, value[index], { era, saved }, `${at}[${index}]`));
  } else if (pattern !== null && typeof pattern === "object") {
    if (isTest(pattern)) return test(pattern, value, { era, saved }, at, fail);
    if (value === null || typeof value !== "object" || Array.isArray(value)) fail("an object");
    for (const [name, each] of Object.entries(pattern)) expect(each, value[name], { era, saved }, `${at}.${name}`);
  } else {
    const wanted = fill(pattern, saved);
    if (value !== wanted) fail(brief(wanted));
  }
}

const isTest = (pattern) => Object.keys(pattern).some((name) => name.startsWith("$"));

function test(pattern, value, context, at, fail) {
  for (const [name, wanted] of Object.entries(pattern)) {
    if (name === "$match") {
      if (typeof value !== "string" || !new RegExp(wanted, "u").test(value)) fail(`something that matches ${wanted}`);
    } else if (name === "$type") {
      const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
      if (found !== wanted) fail(`of type ${wanted}`);
    } else if (name === "$not") {
      if (value === wanted) fail(`anything but ${brief(wanted)}`);
    } else if (name === "$era") {
      expect(wanted[context.era], value, context, at);
    } else if (name === "$has") {
      if (!Array.isArray(value)) fail("a list");
      for (const each of wanted) if (!value.some((item) => passes(each, item, context))) fail(`a list with ${brief(each)}`);
    } else if (name === "$each") {
      if (!Array.isArray(value)) fail("a list");
      value.forEach((item, index) => expect(wanted, item, context, `${at}[${index}]`));
    } else if (name === "$save") {
      context.saved[wanted] = value;
    } else {
      throw new Error(`scenario.json has the unknown word \`${name}\``);
    }
  }
}

function passes(pattern, value, context) {
  try {
    expect(pattern, value, context);
    return true;
  } catch (error) {
    if (error instanceof Mismatch) return false;
    throw error;
  }
}

// Puts what was saved where `${name}` stands, in everything that is sent or compared.
export function fill(value, saved) {
  if (typeof value === "string") {
    return value.replace(/\$\{(\w+)\}/gu, (_, name) => {
      if (saved[name] === undefined) throw new Mismatch(`no earlier step has given \`${name}\``);
      return saved[name];
    });
  }
  if (Array.isArray(value)) return value.map((each) => fill(each, saved));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fill(each, saved)]));
  }
  return value;
}

const BRIEF_CHARS = 600;

export function brief(value) {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > BRIEF_CHARS ? `${text.slice(0, BRIEF_CHARS)}…` : text;
}
