// The built page: its files for a server, and a folder that draws without one.

export { readSite, type SiteFile, siteFolder } from './site.js';
export { type StaticSiteOptions, writeStaticSite } from './static-site.js';
