import { createRequire } from 'node:module';

type YamlReader = Pick<typeof import('@kubernetes/client-node'), 'loadYaml'>;

/** Value of a YAML document (JSON is YAML); null where it holds none. Throws what is wrong with it, in one line. */
export function yamlValue(text: string): unknown {
  if (text.split('\n').every((line) => /^\s*(#|$)/.test(line))) return null;
  return jsonValue(text) ?? readYaml(text);
}

/** JSON needs no reader of its own; undefined for anything else, and for null. */
function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

function readYaml(text: string): unknown {
  // Loaded for YAML alone: the library takes more memory than everything else of an idle operator.
  const { loadYaml }: YamlReader = createRequire(import.meta.url)('@kubernetes/client-node');
  try {
    return loadYaml(text);
  } catch (error) {
    // The parser adds an excerpt of the text.
    throw new Error((error as Error).message.split('\n')[0], { cause: error });
  }
}
