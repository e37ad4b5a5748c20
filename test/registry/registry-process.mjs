// A registry in a process of its own: port and data directory as arguments. Says where it listens.
const [, , port, data] = process.argv;
const { startRegistry } = await import("../../dist/registry/server/index.js");
const registry = await startRegistry({ http: { host: "127.0.0.1", port: Number(port) }, data });
console.log(registry.address.port);
