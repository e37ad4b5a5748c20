#!/usr/bin/env node
/** The program `gnode`: a broker with gmq's flags, configuration file and defaults, which announces itself. */
import { GNODE_FLAGS, GNODE_KEYS, gnodeSettings } from "./gmq/gnode-settings.js";
import { withKeys } from "./gmq/port-settings.js";
import { prepare } from "./gmq/program-settings.js";
import { goCommand, USAGE } from "./go-flags.js";
import { FAILURE } from "./server-process.js";

const NOTES = `
A flag is -name=value or -name value, with one dash or two. A number of 0 or an empty value means the default.

Examples:
  gnode
      ports 9503 (TCP) and 9504 (HTTP) of this machine, registered at http://127.0.0.1:9595, messages in ./data/gnode
  gnode -config_file=conf.ini
      as the file says
  gnode -tcp_addr=:9503 -http_addr=:9504 -register_addr=http://10.0.0.1:9595 -node_id=2 -node_weight=3
      on all interfaces, the second node, with three times the traffic of a node of weight 1
  gnode -register_addr= -data_save_path=/var/lib/gnode
      alone
  curl -d 'data={"body":"hello","topic":"greetings"}' http://127.0.0.1:9504/push
  curl 'http://127.0.0.1:9504/pop?topic=greetings'
      publishes a message and pops it

ringmq serve runs the same broker with flags of its own: see ringmq serve --help.
`;

const command = goCommand({
  name: "gnode",
  description: "Runs a node of a message queue until it is told to stop (SIGTERM, SIGINT).",
  groups: GNODE_FLAGS,
  notes: NOTES,
});

const { settings, log, isOnConsole, flush, noteFailure } = await prepare(
  command,
  GNODE_KEYS,
  gnodeSettings,
  ({ directory }) => ({
    file: "gnode.log",
    directory,
  }),
);

const end = (reason: string, exitCode: number): never => {
  noteFailure(reason);
  return command.error(`error: ${reason}`, { exitCode });
};

const [{ runBroker }, { announceNode }] = await Promise.all([
  import("./broker-process.js"),
  import("./gmq/node-announcement.js"),
]);
await runBroker({
  options: settings.broker,
  log,
  hasBar: process.stderr.isTTY && isOnConsole,
  refuse: (reason) => end(reason, USAGE),
  explain: ({ message }) => withKeys(message),
  fail: (reason) => end(reason, FAILURE),
  started: ({ addresses: { tcp, http } }) => {
    const announcement = tcp && http && announceNode(settings, tcp, http, log);
    return async () => announcement?.close();
  },
  flush,
});
