/**
 * Starts the page.
 */
import { render } from "preact";
import { startLink } from "../broker/link.js";
import "./base.css";
import { Frame } from "./frame.js";

startLink();
render(<Frame />, document.body);
