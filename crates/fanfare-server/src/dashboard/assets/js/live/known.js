// The known channels, for suggestions: the list of the gateway, which the side panel polls.
import { computed, signal } from "../../vendor/preact.js";

export const channelList = signal([]);

export const knownChannels = computed(() => channelList.value.map(({ name }) => name).sort());
