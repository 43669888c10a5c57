// The page that lies in every backup, for whoever finds it in ten years.

/** README.txt of a snapshot. */
export function snapshotReadme(name: string, madeAt: string, version: string, archives: readonly string[]): string {
  const history =
    archives.length === 0
      ? "Nothing had been archived before: this snapshot holds all that was known, but for the pictures."
      : `Older frames had been archived before and are not in it. They lie beside it, in
${archives.map((path) => `  ../${path}`).join("\n")}`;
  return `phorest backup ${name}, made ${madeAt} by phorest ${version}

What is in it
  phorest.sqlite.gz             the live database: frames, readings, results, settings of every run
  results.jsonl.gz              results since the backup before this one, a record a line
  communicating_results.csv.gz  the live CSV, as far as the database knows it
  processed_data_plot.*         the plots
  ROI_manifest.json             where each grating is in the picture
  config.toml                   the configuration in force, complete
  backup.json                   the same facts for programs
  SHA256SUMS                    the hash of every file
The pictures are not in it: they lie in data_dir, or where they were synced to.
${history}

Is it whole?
  sha256sum -c SHA256SUMS

Restore with phorest (into a new or empty directory)
  phorest restore THIS_DIRECTORY --into NEW_DIRECTORY [--pictures OLD_DATA_DIRECTORY]
  cd NEW_DIRECTORY && phorest status && phorest verify
This brings archived history back in from ../history. \`--without-history\` leaves it where it is.

Restore without phorest
  mkdir -p NEW/data NEW/results NEW/generated_files
  gunzip -c phorest.sqlite.gz > NEW/data/phorest.sqlite
  gunzip -c communicating_results.csv.gz > NEW/results/communicating_results.csv
  cp ROI_manifest.json NEW/generated_files/
  cp config.toml NEW/        then correct [Paths] in it
  copy the pictures into NEW/data
Any SQLite client reads the database; start with the views frame and sensorgram:
  sqlite3 NEW/data/phorest.sqlite "SELECT * FROM sensorgram LIMIT 10"
An archive in ../history is a database of the same form (history.sqlite.gz) with a CSV of the same columns.
`;
}

/** README.txt of an archive. */
export function historyReadme(name: string, madeAt: string, version: string, entries: number, span: string): string {
  return `phorest archive ${name}, made ${madeAt} by phorest ${version}

Finished history that was moved out of the live database: ${entries} frames, captured ${span}.
These frames are nowhere else but in older snapshots: keep this directory as long as the experiment.

  history.sqlite.gz   frames, readings and results: a database of the same form as data/phorest.sqlite
  history.csv.gz      their lines, with the columns of communicating_results.csv
  index.json          which frames these are
  SHA256SUMS          the hash of every file

Is it whole?
  sha256sum -c SHA256SUMS

Read it
  gunzip -c history.sqlite.gz > history.sqlite
  sqlite3 history.sqlite "SELECT * FROM sensorgram LIMIT 10"

Bring it back together with the rest
  phorest restore SNAPSHOT --into NEW_DIRECTORY      (SNAPSHOT: a directory beside history/)
`;
}
