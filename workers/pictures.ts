// The process that decodes images for the page.
import "../src/web/pictures-worker.ts";
