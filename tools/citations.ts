/** Whether what comments and pages cite can be opened: pages and their headings, links, and files that are named in backticks. */
import { posix } from 'node:path';

/** A citation that leads nowhere. */
export interface BrokenCitation {
  readonly file: string;
  readonly line: number;
  readonly cited: string;
}

/** The repository as far as citations need it: every tracked path, and the text of those that may cite or be cited. */
export interface Sources {
  readonly paths: ReadonlySet<string>;
  readonly texts: ReadonlyMap<string, string>;
}

/** `[text](target)` of a page. */
const LINK = /\]\(([^)\s]+)\)/g;
/** A page named anywhere, with or without a heading; alone and in small letters it may be a property in code. */
const PAGE = /(?<![\w/.-])(?:(?:[\w.-]+\/)+[\w-]+\.md|[A-Z][\w-]*\.md|[a-z][\w-]*\.md(?=#))(?:#[\w-]+)?/g;
/** A source named in backticks, or a place in one of the repository's folders. */
const NAMED =
  /`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|py|mjs|cjs)|(?:runner|operator|crds|charts|test|image|tools|bin|docs|models|training|deploy|examples)\/[\w./-]*)`/g;
/** Citations of what is not part of the repository: section signs, and titles in capitals. */
const FOREIGN = /§|\b[A-Z]{3,}_SPEC\b|\bDUALPARAL\b(?!_)/g;
/** Made or fetched while working, so not tracked. */
const MADE = /^(node_modules|out|film|films)(\/|$)/;

/** Every citation of `sources` that does not resolve. */
export function brokenCitations(sources: Sources): readonly BrokenCitation[] {
  const places = placesOf(sources.paths);
  return [...sources.texts].flatMap(([file, text]) =>
    text.split('\n').flatMap((content, index) =>
      citationsIn(file, content)
        .filter(({ cited, isLink }) => !opens(sources, places, file, cited, isLink))
        .map(({ cited }) => ({ file, line: index + 1, cited })),
    ),
  );
}

/** Headings of a page as links name them: lower case, spaces as dashes, other signs dropped. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const headings = page.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function citationsIn(file: string, line: string): readonly { readonly cited: string; readonly isLink: boolean }[] {
  const isPage = file.endsWith('.md');
  const links = isPage ? [...line.matchAll(LINK)].map(([, target = '']) => target) : [];
  const rest = isPage ? line.replace(LINK, ']') : line;
  const others = [...rest.matchAll(PAGE), ...rest.matchAll(FOREIGN)].map(([cited]) => cited);
  const named = [...rest.matchAll(NAMED)].map(([, cited = '']) => cited);
  return [
    ...links.filter((target) => !/^(https?|mailto):/.test(target)).map((cited) => ({ cited, isLink: true })),
    ...[...others, ...named].map((cited) => ({ cited, isLink: false })),
  ];
}

/** Files and folders, and the ends of their paths: a room's page names its files without the way to them. */
function placesOf(paths: ReadonlySet<string>): ReadonlySet<string> {
  const places = new Set<string>();
  for (const path of paths) {
    const parts = path.split('/');
    for (let end = 1; end <= parts.length; end++) {
      for (let start = 0; start < end; start++) places.add(parts.slice(start, end).join('/'));
    }
  }
  return places;
}

function opens(sources: Sources, places: ReadonlySet<string>, file: string, cited: string, isLink: boolean): boolean {
  const [path = '', anchor] = cited.split('#');
  if (MADE.test(path)) return true;
  const beside = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), path)).replace(/\/$/, '');
  const found = [beside, path.replace(/\/$/, '')].find((candidate) => isPlace(sources.paths, candidate));
  if (anchor !== undefined) return found !== undefined && anchorsOf(sources.texts.get(found) ?? '').has(anchor);
  return isLink ? isPlace(sources.paths, beside) : found !== undefined || places.has(path.replace(/\/$/, ''));
}

function isPlace(paths: ReadonlySet<string>, path: string): boolean {
  return paths.has(path) || [...paths].some((other) => other.startsWith(`${path}/`));
}
