import { everyScreen } from "./support/screens.js";

everyScreen("light");
