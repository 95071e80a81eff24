// The channels we know of, for suggestions: those the gateway lists, which the side panel keeps asking for.
import { computed, signal } from "../../vendor/preact.js";

export const channelList = signal([]);

export const knownChannels = computed(() => channelList.value.map(({ channel }) => channel).sort());
