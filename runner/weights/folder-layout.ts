/** What a folder is that people take for a model folder: recognised by the names in it, with the way to the model. */

/** A folder as far as it is looked at. */
export interface FolderLook {
  readonly names: readonly string[];
  /** `_class_name` or `model_type` of its own `config.json`. */
  readonly configClass: string | null;
  /** Folders below it, at most two levels down, that hold a model. */
  readonly models: readonly string[];
  /** Whether its parent is a model folder. */
  readonly parentIsModel: boolean;
}

/** What was found, and what to do about it. */
export interface FolderFinding {
  readonly found: string;
  readonly wayOut: string;
  /** Whether it may be a model whose files are on their way. */
  readonly unfinished?: true;
}

/** The way out for weights of other layouts. */
export const DIFFUSERS_WANTED =
  'take the model in the Diffusers layout: its repository has a name that ends in -Diffusers';

const SHOWN = 3;
const WAN_FILES = /^(models_t5_umt5-xxl.*\.pth|Wan2\.\d_VAE\.pth|high_noise_model|low_noise_model)$/;
const COMFY_FOLDERS = ['split_files', 'diffusion_models', 'unet', 'checkpoints', 'clip'];
const SINGLE_FILE = /\.(safetensors|gguf|ckpt|pth|pt|bin)$/i;
const COMPONENT_FOLDERS = ['transformer', 'vae', 'text_encoder'];

/** Says what a folder without `model_index.json` is; undefined when it looks like a model folder that lacks only this file. */
export function explainFolder(look: FolderLook): FolderFinding | undefined {
  const visible = look.names.filter((name) => !name.startsWith('.'));
  const elsewhere = modelElsewhere(look, visible);
  if (elsewhere !== undefined) return elsewhere;
  const wan = visible.find((name) => WAN_FILES.test(name));
  if (wan !== undefined || look.configClass === 'WanModel') {
    const sign = wan ?? 'config.json of a WanModel';
    return { found: `holds the model in Wan's own layout (${sign})`, wayOut: DIFFUSERS_WANTED };
  }
  if (COMPONENT_FOLDERS.some((name) => visible.includes(name))) return undefined;
  const comfy = visible.find((name) => COMFY_FOLDERS.includes(name));
  if (comfy !== undefined) return { found: `holds files for ComfyUI (${comfy})`, wayOut: DIFFUSERS_WANTED };
  const single = visible.find((name) => SINGLE_FILE.test(name));
  if (single !== undefined) {
    return { found: `holds single weight files (${single}) without model_index.json`, wayOut: DIFFUSERS_WANTED };
  }
  return {
    found: `holds no model: there is no model_index.json, only ${listed(visible)}`,
    wayOut: 'give a model folder in the Diffusers layout',
    unfinished: true,
  };
}

/** A folder that is no model itself, but near one, or meant to become one. */
function modelElsewhere(
  { names, models, parentIsModel }: FolderLook,
  visible: readonly string[],
): FolderFinding | undefined {
  if (models.length > 0) {
    const found = names.includes('snapshots') ? 'is a folder of the hub cache' : 'holds model folders, but is none';
    return { found, wayOut: `give the model folder itself: ${listed(models)}` };
  }
  if (names.includes('snapshots') || visible.some((name) => name.startsWith('models--'))) {
    return {
      found: 'is a hub cache without a whole model in it',
      wayOut: 'download the model again',
      unfinished: true,
    };
  }
  if (parentIsModel) return { found: 'is one part of a model', wayOut: 'give the folder that holds it' };
  if (visible.length > 0) return undefined;
  return names.includes('.git')
    ? {
        found: 'holds a Git repository without its files',
        wayOut: 'run git checkout and git lfs pull in it',
        unfinished: true,
      }
    : { found: 'is empty', wayOut: 'download the model into it', unfinished: true };
}

/** What to say of a path that leads to a file where a model folder is wanted. */
export function explainFile(path: string): string {
  if (/(^|\/)model_index\.json$/.test(path)) return 'is a file; give the folder that holds it';
  if (SINGLE_FILE.test(path)) return `is a single weight file; ${DIFFUSERS_WANTED}, and give its folder`;
  return 'is not a folder; give a model folder in the Diffusers layout, which holds model_index.json';
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).join(', ');
  return names.length > SHOWN ? `${shown}, …` : shown;
}
