// The README.txt of every backup, written for someone who reads it years later.

/** Returns the README.txt of a snapshot. */
export function snapshotReadme(name: string, madeAt: string, version: string, archives: readonly string[]): string {
  const history =
    archives.length === 0
      ? "Nothing was archived before: this snapshot contains everything except the images."
      : `Older frames were archived before and are not in this snapshot. They are in
${archives.map((path) => `  ../${path}`).join("\n")}`;
  return `phorest backup ${name}, made ${madeAt} by phorest ${version}

What is in it
  phorest.sqlite.gz             the live database: frames, readings, results, settings of every run
  results.jsonl.gz              results since the previous backup, one record per line
  communicating_results.csv.gz  the live CSV, up to the last line recorded in the database (of earlier analyses, the
                                lines are in the database; \`phorest restore\` writes their files again)
  processed_data_plot.*         the plots
  ROI_manifest.json             where each grating is in the image
  config.toml                   the configuration in force, complete
  backup.json                   the same facts for programs
  SHA256SUMS                    the hash of every file
The images are not in it: they are in data_dir, or on the share they were copied to.
${history}

Check that it is complete
  sha256sum -c SHA256SUMS

Restore with phorest (into a new or empty directory)
  phorest restore THIS_DIRECTORY --into NEW_DIRECTORY [--pictures OLD_DATA_DIRECTORY]
  cd NEW_DIRECTORY && phorest status && phorest verify
This also restores the archived history from ../history. Use \`--without-history\` to leave it out.

Restore without phorest
  mkdir -p NEW/data NEW/results NEW/generated_files
  gunzip -c phorest.sqlite.gz > NEW/data/phorest.sqlite
  gunzip -c communicating_results.csv.gz > NEW/results/communicating_results.csv
  cp ROI_manifest.json NEW/generated_files/
  cp config.toml NEW/        then correct [Paths] in it
  copy the images into NEW/data
Any SQLite client reads the database; start with the views frame and sensorgram:
  sqlite3 NEW/data/phorest.sqlite "SELECT * FROM sensorgram LIMIT 10"
An archive in ../history is a database of the same form (history.sqlite.gz) with a CSV of the same columns.
`;
}

/** Returns the README.txt of an archive. */
export function historyReadme(name: string, madeAt: string, version: string, entries: number, span: string): string {
  return `phorest archive ${name}, made ${madeAt} by phorest ${version}

Finished history that was moved out of the live database: ${entries} frames, captured ${span}.
Apart from older snapshots, these frames are only here: keep this directory as long as the experiment.

  history.sqlite.gz   frames, readings and results: a database of the same form as data/phorest.sqlite
  history.csv.gz      their lines, with the columns of communicating_results.csv; those of another analysis are in
                      history_NAME.csv.gz
  index.json          which frames these are
  SHA256SUMS          the hash of every file

Check that it is complete
  sha256sum -c SHA256SUMS

Read it
  gunzip -c history.sqlite.gz > history.sqlite
  sqlite3 history.sqlite "SELECT * FROM sensorgram LIMIT 10"

Bring it back together with the rest
  phorest restore SNAPSHOT --into NEW_DIRECTORY      (SNAPSHOT: a directory next to history/)
`;
}
