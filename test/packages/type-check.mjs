/**
 * Checks programs of a folder with one version of TypeScript, under each of several settings, in one process, so that it reads
 * its libraries once. `node type-check.mjs <module of typescript> <folder> <settings as JSON>` prints what is wrong, by setting.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [compiler, folder, settings] = process.argv.slice(2);
const { default: ts } = await import(pathToFileURL(compiler));

const sources = new Map();

const hostOf = (options) => {
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile;
  host.getCurrentDirectory = () => folder;
  host.getSourceFile = (file, languageVersion, ...rest) => {
    // What is read of a file depends on its kind of module too.
    const key = JSON.stringify([file, languageVersion]);
    if (!sources.has(key)) sources.set(key, read.call(host, file, languageVersion, ...rest));
    return sources.get(key);
  };
  return host;
};

for (const { files, ...json } of JSON.parse(settings)) {
  const { options, errors } = ts.convertCompilerOptionsFromJson(json, folder);
  const program = ts.createProgram(
    files.map((file) => join(folder, file)),
    options,
    hostOf(options),
  );
  // Not the libraries of TypeScript and Node.js, which take most of the time.
  const checked = program
    .getSourceFiles()
    .filter(({ fileName }) => !/\/(?:typescript[^/]*\/lib|@types)\//.test(fileName));
  const found = checked.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ]);
  for (const { file, start, messageText } of [...errors, ...program.getGlobalDiagnostics(), ...found]) {
    const line = file === undefined ? "" : `${file.fileName}:${file.getLineAndCharacterOfPosition(start).line + 1} `;
    const { module, moduleResolution, types } = json;
    const text = ts.flattenDiagnosticMessageText(messageText, " ");
    console.log(`${ts.version} ${module}, ${moduleResolution}, types ${types}: ${line}${text}`);
  }
}
