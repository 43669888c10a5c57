// The process that decodes pictures for the page.
import "../src/web/pictures-worker.ts";
