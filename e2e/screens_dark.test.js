import { everyScreen } from "./support/screens.js";

everyScreen("dark");
