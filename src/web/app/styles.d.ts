// Types for style sheets, which are imported only for the bundler.
declare module "*.css";
