/** docs/client.md tells of every method of a client what it is over several nodes. */
import { expect, it } from "vitest";
import { Client } from "../../../src/client/client.js";
import { NodesClient } from "../../../src/client/nodes/nodes-client.js";
import { cell, readDocument, section, tableRows } from "../../project/document.js";

/** Of the connection as a whole: both have them, and mean the same. */
const OF_THE_CLIENT = ["close", "closed", "drain", "pendingBytes", "ready", "status", "toJSON"];
/** Of the client alone that has nodes. */
const OF_NODES = ["nodes", "onEachNode"];
const INTERNAL = ["constructor", "links", "start"];

const namesOf = (prototype: object): string[] =>
  Object.getPrototypeOf(prototype) === null
    ? []
    : [...Object.getOwnPropertyNames(prototype), ...namesOf(Object.getPrototypeOf(prototype) as object)].filter(
        (name) => !INTERNAL.includes(name) && !name.startsWith("#"),
      );

it("tells of each method of a client what it is over several nodes", () => {
  const rows = tableRows(section(readDocument("docs/client.md"), "Several nodes"));
  const told = rows.map((row) => ({
    names: cell(row, "methods").split(", "),
    isNodesOwn: cell(row, "over several nodes").includes("onEachNode"),
  }));
  const own = told.filter(({ isNodesOwn }) => isNodesOwn).flatMap(({ names }) => names);
  const shared = told.filter(({ isNodesOwn }) => !isNodesOwn).flatMap(({ names }) => names);
  const ofOne = new Set(namesOf(Client.prototype));
  const ofSeveral = new Set(namesOf(NodesClient.prototype));
  expect([...own, ...shared, ...OF_THE_CLIENT].sort()).toEqual([...ofOne].sort());
  expect([...shared, ...OF_THE_CLIENT, ...OF_NODES].sort()).toEqual([...ofSeveral].sort());
});
