/** A client of server reflection, as grpcurl is one. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type ChannelCredentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync } from "@grpc/proto-loader";

const folder = join(dirname(createRequire(import.meta.url).resolve("@grpc/reflection")), "../proto/grpc/reflection");

interface Answer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
  readonly errorResponse?: { readonly errorMessage: string };
}

/** Files as a FileDescriptorSet: each is field 1 of it. */
const setOf = (files: readonly Uint8Array[]): Buffer =>
  Buffer.concat(
    files.flatMap((file) => {
      const length: number[] = [];
      let rest = file.length;
      for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
      return [Buffer.from([0x0a, ...length, rest]), file];
    }),
  );

/** Asks for all services, and for the files that a symbol needs; answers what can be called and sent by them. */
export const reflect = async (
  version: "v1" | "v1alpha",
  { port, secured }: { readonly port: number; readonly secured: ChannelCredentials },
  symbol: string,
): Promise<{ readonly services: string[]; readonly symbols: string[] }> => {
  const definition = loadSync(join(folder, version, "reflection.proto"))[`grpc.reflection.${version}.ServerReflection`];
  const Client = makeGenericClientConstructor(definition as never, "ServerReflection");
  const client = new Client(`localhost:${port}`, secured);
  const call = client["ServerReflectionInfo"]?.();
  const ask = (request: object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      call.once("data", resolve);
      call.once("error", reject);
      call.write(request);
    });
  const { listServicesResponse } = await ask({ listServices: "*" });
  const { fileDescriptorResponse, errorResponse } = await ask({ fileContainingSymbol: symbol });
  call.end();
  client.close();
  if (errorResponse) throw new Error(errorResponse.errorMessage);
  const files = setOf(fileDescriptorResponse?.fileDescriptorProto ?? []);
  return {
    services: (listServicesResponse?.service ?? []).map(({ name }) => name),
    symbols: Object.keys(loadFileDescriptorSetFromBuffer(files)),
  };
};
