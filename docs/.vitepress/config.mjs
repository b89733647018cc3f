import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { defineConfig } from 'vitepress';

const docs = join(import.meta.dirname, '..');
const root = join(docs, '..');
const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** Where the repository's files can be read, if package.json says it. */
const browse = repository?.url.replace(/^git\+/, '').replace(/\.git$/, '');

/**
 * Links to files of the repository that are no pages: they lead to the repository where its address is
 * known, and are plain text where not. A link to a file that isn't there stops the build.
 */
function repositoryLinks(markdown) {
  const original =
    markdown.renderer.rules.link_open ?? ((...args) => args[4].renderToken(...args.slice(0, 3)));
  markdown.renderer.rules.link_open = (tokens, i, options, env, self) => {
    const href = tokens[i].attrGet('href') ?? '';
    if (!/^\.{0,2}[\w./-]/.test(href) || /^[a-z]+:/.test(href))
      return original(tokens, i, options, env, self);
    const path = join(dirname(join(docs, env.relativePath)), href.replace(/[#?].*/, ''));
    if (!relative(docs, path).startsWith('..')) return original(tokens, i, options, env, self);
    if (!existsSync(path)) throw new Error(`${env.relativePath}: the link ${href} leads to no file`);
    const kind = statSync(path).isDirectory() ? 'tree' : 'blob';
    tokens[i].attrSet('href', browse ? `${browse}/${kind}/main/${relative(root, path)}` : '#');
    if (!browse) tokens[i].attrSet('title', `${relative(root, path)} in the repository`);
    return self.renderToken(tokens, i, options);
  };
}

export default defineConfig({
  title: 'Easel',
  description: 'Text to image in TypeScript: draws, trains and converts DALL·E mini',
  srcExclude: ['node_modules/**', 'experiments/**/*.md'],
  cleanUrls: true,
  ignoreDeadLinks: false,
  markdown: { config: repositoryLinks, html: false },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/install' },
      { text: 'API', link: '/api/' },
      { text: 'Design', link: '/design' },
    ],
    sidebar: [
      {
        text: 'Guide',
        items: [
          { text: 'Install, and when something goes wrong', link: '/install' },
          { text: 'Settings of drawing', link: '/drawing' },
          { text: 'A first model of your own pictures', link: '/first-model' },
          { text: 'Converting weights', link: '/converting' },
          { text: 'Serving', link: '/serving' },
          { text: 'GPU', link: '/gpu' },
          { text: 'Many machines', link: '/many-machines' },
          { text: 'Several processes under mpirun', link: '/scaling' },
          { text: 'The tensor runtime', link: '/tensor-runtime' },
          { text: 'How it compares', link: '/comparison' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'API', link: '/api/' },
          { text: 'Settings of the trainings', link: '/settings' },
          { text: "The original's flags", link: '/training-flags' },
          { text: 'Parity with the originals', link: '/parity' },
        ],
      },
      {
        text: 'Inside',
        items: [
          { text: 'Design', link: '/design' },
          { text: 'Experiments', link: '/experiments' },
          { text: 'The native backend, measured', link: '/internals/native-backend' },
        ],
      },
    ],
  },
});
