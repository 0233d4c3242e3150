/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase build: from the models of all domains to one bundle, in ROOT/built/PHASE/NUMBER. It is
 * made beside that as .part, and gets its name when it is whole; until then nobody takes it for a bundle. */
#include "phase/build.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "phase/clean.h"
#include "phase/verbs.h"

#define PART ".part"
#define WORK ".work" /* what pipelines leave behind */

typedef struct build {
  phase_state state;
  const char *name;
  int64_t phase, number;
  phase_target target;
  uint64_t most;
  bool clean;
  phase_domain *domains;
  size_t count, junk;
  int folder; /* ROOT/built/PHASE */
  char *place; /* its path */
  char digest[PHASE_DIGEST];
  int64_t bytes;
} build;

static void
build_cleanup (build *b)
{
  for (size_t i = 0; i < b->count; i++) {
    phase_domain *domain = &b->domains[i];
    free (domain->name);
    free (domain->folder);
    free (domain->description);
    free (domain->keywords);
    free (domain->profile);
    free (domain->emotions);
    free (domain->sources);
    phase_findings_cleanup (&domain->findings);
  }
  free (b->domains);
  free (b->place);
  phase_cleanup_close (&b->folder);
  phase_state_close (&b->state);
}

/* ---- The domains. */

static int
add_domain (build *b, sqlite3_stmt *row)
{
  phase_domain *grown = reallocarray (b->domains, b->count + 1, sizeof *grown);
  if (!grown)
    return adze_cli_no_memory (b->state.cli);
  b->domains = grown;
  phase_domain *domain = &grown[b->count++];
  *domain = (phase_domain){ .id = sqlite3_column_int64 (row, 0),
                            .name = strdup (phase_text (row, 1)),
                            .folder = strdup (phase_text (row, 2)),
                            .description = strdup (phase_text (row, 3)),
                            .keywords = strdup (phase_text (row, 4)),
                            .profile = strdup (phase_text (row, 5)),
                            .emotions = strdup (phase_text (row, 6)),
                            .speed = sqlite3_column_double (row, 7),
                            .quality = sqlite3_column_double (row, 8) };
  if (!domain->name || !domain->folder || !domain->description || !domain->keywords || !domain->profile
      || !domain->emotions)
    return adze_cli_no_memory (b->state.cli);
  if (strcmp (phase_text (row, 9), "complete") == 0)
    return ADZE_CLI_FINE;
  return adze_cli_refuse (b->state.cli,
                          "the domain '%s' is %s, and what is built must be complete; when its model is there: "
                          "adze phase status %s %s --set complete",
                          domain->name, phase_text (row, 9), b->name, domain->name);
}

static int
gather_domains (build *b)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = true;
  int status = phase_prepare (&b->state, &statement,
                              "SELECT id, name, folder, description, keywords, profile,"
                              " (SELECT ifnull (group_concat (key || ' = ' || value, ', '), '')"
                              "  FROM json_each (domain.profile)),"
                              " speed, quality, status FROM domain WHERE phase = ? ORDER BY name",
                              "i", b->phase);
  while (status == ADZE_CLI_FINE && (status = phase_step (&b->state, statement, &row)) == ADZE_CLI_FINE && row)
    status = add_domain (b, statement);
  if (status == ADZE_CLI_FINE && b->count == 0)
    return adze_cli_refuse (b->state.cli, "the phase '%s' has no domain; adze phase add adds one", b->name);
  return status;
}

/* ---- Merging: every folder is cleaned (or would be) and looked at. */

static int
refuse_findings (const build *b, const phase_domain *domain)
{
  const phase_findings *findings = &domain->findings;
  for (size_t i = 0; i < findings->count; i++)
    if (findings->items[i].wrong)
      return adze_cli_refuse (b->state.cli, "the model of '%s' cannot be built from: %s%s", domain->name,
                              findings->items[i].what, findings->wrong > 1 ? " (adze phase validate tells all)" : "");
  return ADZE_CLI_FINE;
}

static int
clean_domain (build *b, phase_domain *domain)
{
  PHASE_SWEEP sweep = { 0 };
  int status = b->clean ? phase_clean_delete (&b->state, domain->id, &sweep)
                        : phase_clean_list (&b->state, domain->id, &sweep);
  b->junk += sweep.junk_count;
  for (size_t i = 0; b->clean && i < sweep.left_count; i++)
    adze_cli_note (b->state.cli, "%s: left %s: it %s", domain->name, sweep.left[i].path, sweep.left[i].why);
  return status;
}

static int
merge (build *b)
{
  int status = phase_set_status (&b->state, b->phase, "merging");
  for (size_t i = 0; status == ADZE_CLI_FINE && i < b->count; i++) {
    phase_domain *domain = &b->domains[i];
    status = clean_domain (b, domain);
    if (status == ADZE_CLI_FINE)
      status = phase_validate (&b->state, domain->folder, b->most, &domain->findings);
    if (status == ADZE_CLI_FINE)
      status = refuse_findings (b, domain);
    for (size_t k = 0; status == ADZE_CLI_FINE && k < domain->findings.count; k++)
      adze_cli_note (b->state.cli, "%s: mended: %s", domain->name, domain->findings.items[k].what);
  }
  if (status == ADZE_CLI_FINE && b->junk > 0 && !b->clean)
    adze_cli_note (b->state.cli, "%zu files and folders could go: adze phase clean %s lists them, and --delete deletes them",
                   b->junk, b->name);
  return status;
}

/* ---- Compressing. */

static int
open_place (build *b)
{
  const adze_cli *cli = b->state.cli;
  PHASE_FD root = phase_folder_at (AT_FDCWD, b->state.root);
  if (root < 0 || (mkdirat (root, "built", 0777) != 0 && errno != EEXIST))
    return adze_cli_broken (cli, "cannot make %s/built", b->state.root);
  PHASE_FD built = phase_folder_at (root, "built");
  if (built < 0 || (mkdirat (built, b->name, 0777) != 0 && errno != EEXIST))
    return adze_cli_broken (cli, "cannot make %s/built/%s", b->state.root, b->name);
  b->folder = phase_folder_at (built, b->name);
  b->place = phase_path (&b->state, "built/%s", b->name);
  if (b->folder < 0 || !b->place)
    return adze_cli_broken (cli, "cannot use %s/built/%s", b->state.root, b->name);
  /* What an earlier build left that was killed. */
  if (!phase_remove_at (b->folder, PART) || !phase_remove_at (b->folder, WORK) || mkdirat (b->folder, PART, 0777) != 0
      || mkdirat (b->folder, WORK, 0777) != 0)
    return adze_cli_broken (cli, "cannot begin in %s", b->place);
  return ADZE_CLI_FINE;
}

static int
digest_model (const build *b, phase_domain *domain, int part)
{
  char file[80];
  snprintf (file, sizeof file, "%s.gguf", domain->name);
  if (!phase_digest_at (part, file, domain->digest, &domain->bytes))
    return adze_cli_broken (b->state.cli, "cannot read what was built, %s", file);
  domain->sources = calloc (domain->findings.file_count, sizeof *domain->sources);
  if (!domain->sources)
    return adze_cli_no_memory (b->state.cli);
  for (size_t i = 0; i < domain->findings.file_count; i++)
    if (!phase_digest_at (AT_FDCWD, domain->findings.files[i], domain->sources[i].digest, &domain->sources[i].bytes))
      return adze_cli_broken (b->state.cli, "cannot read %s", domain->findings.files[i]);
  return ADZE_CLI_FINE;
}

static int
compress_domain (const build *b, phase_domain *domain, int part)
{
  ADZE_CLI_FREE char *work = phase_path (&b->state, "built/%s/" WORK, b->name);
  ADZE_CLI_FREE char *path = phase_path (&b->state, "built/%s/" PART "/%s.gguf", b->name, domain->name);
  if (!work || !path)
    return adze_cli_no_memory (b->state.cli);
  const phase_target target = { b->target.as_is || !domain->findings.floats, b->target.sqnr };
  if (target.as_is && !b->target.as_is)
    adze_cli_note (b->state.cli, "%s: stays as it is: it is quantized already", domain->name);
  int status = phase_pipeline_run (&b->state, domain, &target, work, path);
  return status == ADZE_CLI_FINE ? digest_model (b, domain, part) : status;
}

/* ---- The manifest. No time and no path of this machine is in it: the same models give the same bytes. */

static void
write_sources (FILE *into, const phase_domain *domain)
{
  for (size_t i = 0; i < domain->findings.file_count; i++) {
    const char *slash = strrchr (domain->findings.files[i], '/');
    fputs (i > 0 ? ",\n                   { \"file\": " : "{ \"file\": ", into);
    adze_cli_print_json (into, slash ? slash + 1 : domain->findings.files[i]);
    fprintf (into, ", \"bytes\": %" PRId64 ", \"sha256\": \"%s\" }", domain->sources[i].bytes,
             domain->sources[i].digest);
  }
}

static void
write_domain (FILE *into, const phase_domain *domain)
{
  fprintf (into,
           "    {\n      \"name\": \"%s\",\n      \"file\": \"%s.gguf\",\n      \"bytes\": %" PRId64
           ",\n      \"sha256\": \"%s\",\n      \"sources\": [",
           domain->name, domain->name, domain->bytes, domain->digest);
  write_sources (into, domain);
  fputs ("],\n      \"mended\": [", into);
  for (size_t i = 0; i < domain->findings.count; i++) {
    fputs (i > 0 ? ", " : "", into);
    adze_cli_print_json (into, domain->findings.items[i].what);
  }
  fputs ("],\n      \"description\": ", into);
  adze_cli_print_json (into, domain->description);
  fprintf (into,
           ",\n      \"keywords\": %s,\n      \"profile\": %s,\n      \"speed\": %.9g,\n      \"quality\": %.9g\n    }",
           domain->keywords, domain->profile, domain->speed, domain->quality);
}

static int
write_manifest (build *b, int part)
{
  ADZE_CLI_FREE char *text = NULL;
  size_t size = 0;
  FILE *into = open_memstream (&text, &size);
  if (!into)
    return adze_cli_no_memory (b->state.cli);
  fprintf (into, "{\n  \"manifest\": 1,\n  \"phase\": \"%s\",\n  \"adze\": \"%s\",\n  \"domains\": [\n", b->name,
           adze_version ());
  for (size_t i = 0; i < b->count; i++) {
    write_domain (into, &b->domains[i]);
    fputs (i + 1 < b->count ? ",\n" : "\n", into);
    b->bytes += b->domains[i].bytes;
  }
  fputs ("  ]\n}\n", into);
  int64_t bytes;
  if (fclose (into) != 0)
    return adze_cli_no_memory (b->state.cli);
  if (size > PHASE_MANIFEST_MOST)
    return adze_cli_refuse (b->state.cli,
                            "the manifest has %zu bytes, and may have %d; say less of the domains, or make two phases",
                            size, PHASE_MANIFEST_MOST);
  if (!phase_write_at (part, PHASE_MANIFEST, text, size) || !phase_digest_at (part, PHASE_MANIFEST, b->digest, &bytes)
      || !phase_sync (part))
    return adze_cli_broken (b->state.cli, "cannot write the manifest");
  return ADZE_CLI_FINE;
}

/* ---- The name. */

/* A folder of a number that no row speaks of: the same bundle is of a build that was killed in between, and gives way;
 * another one is of a state that was lost, and stays. */
static void
pass_strangers (build *b)
{
  char number[24], digest[PHASE_DIGEST];
  struct stat found;
  int64_t bytes;
  for (;; b->number++) {
    snprintf (number, sizeof number, "%" PRId64, b->number);
    if (fstatat (b->folder, number, &found, AT_SYMLINK_NOFOLLOW) != 0)
      return;
    PHASE_FD folder = phase_folder_at (b->folder, number);
    if (folder >= 0 && phase_digest_at (folder, PHASE_MANIFEST, digest, &bytes) && strcmp (digest, b->digest) == 0)
      return;
    adze_cli_note (b->state.cli, "%s/%s is there, and the state does not know it; it stays as it is", b->place, number);
  }
}

static int
give_name (build *b)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  char number[24];
  int status = phase_prepare (&b->state, &statement, "SELECT ifnull (max (number), 0) + 1 FROM build WHERE phase = ?",
                              "i", b->phase);
  if (status == ADZE_CLI_FINE)
    status = phase_step (&b->state, statement, &row);
  if (status != ADZE_CLI_FINE)
    return status;
  b->number = sqlite3_column_int64 (statement, 0);
  pass_strangers (b);
  snprintf (number, sizeof number, "%" PRId64, b->number);
  if (!phase_remove_at (b->folder, number) || renameat (b->folder, PART, b->folder, number) != 0
      || !phase_sync (b->folder))
    return adze_cli_broken (b->state.cli, "cannot give the bundle its name, %s/%s", b->place, number);
  return phase_do (&b->state,
                   "INSERT INTO build (phase, number, digest, bytes, at)"
                   " VALUES (?, ?, ?, ?, strftime ('%Y-%m-%dT%H:%M:%SZ', 'now'))",
                   "iisi", b->phase, b->number, b->digest, b->bytes);
}

static int
compress_all (build *b)
{
  int status = phase_set_status (&b->state, b->phase, "compressing");
  if (status == ADZE_CLI_FINE)
    status = open_place (b);
  if (status != ADZE_CLI_FINE)
    return status;
  PHASE_FD part = phase_folder_at (b->folder, PART);
  if (part < 0)
    return adze_cli_broken (b->state.cli, "cannot begin in %s", b->place);
  for (size_t i = 0; status == ADZE_CLI_FINE && i < b->count; i++)
    status = compress_domain (b, &b->domains[i], part);
  if (status == ADZE_CLI_FINE)
    status = write_manifest (b, part);
  return status == ADZE_CLI_FINE ? give_name (b) : status;
}

/* ---- The verb. */

static int
carry_out (build *b)
{
  int status = merge (b);
  if (status == ADZE_CLI_FINE)
    status = compress_all (b);
  if (b->folder >= 0) {
    phase_remove_at (b->folder, WORK);
    phase_remove_at (b->folder, PART);
  }
  if (status != ADZE_CLI_FINE)
    phase_set_status (&b->state, b->phase, "failed");
  return status;
}

static void
print_end (const build *b)
{
  if (!b->state.cli->json) {
    fprintf (adze_cli_out, "built: %s/%" PRId64 " (%zu models, %" PRId64 " bytes)\n", b->place, b->number, b->count,
             b->bytes);
    return;
  }
  fputs ("{\"phase\": ", adze_cli_out);
  adze_cli_print_json (adze_cli_out, b->name);
  fprintf (adze_cli_out, ", \"build\": %" PRId64 ", \"folder\": ", b->number);
  ADZE_CLI_FREE char *folder = phase_path (&b->state, "built/%s/%" PRId64, b->name, b->number);
  adze_cli_print_json (adze_cli_out, folder);
  fprintf (adze_cli_out, ", \"sha256\": \"%s\", \"bytes\": %" PRId64 ", \"domains\": [", b->digest, b->bytes);
  for (size_t i = 0; i < b->count; i++)
    fprintf (adze_cli_out, "%s{\"name\": \"%s\", \"bytes\": %" PRId64 ", \"sha256\": \"%s\"}", i > 0 ? ", " : "",
             b->domains[i].name, b->domains[i].bytes, b->domains[i].digest);
  fputs ("]}\n", adze_cli_out);
}

static int
read_options (build *b, adze_cli *cli, const adze_cli_arguments *arguments)
{
  const char *sqnr = adze_cli_value (arguments, "sqnr");
  char *end = NULL;
  b->name = arguments->words[0];
  b->clean = adze_cli_has (arguments, "clean");
  b->target = (phase_target){ adze_cli_has (arguments, "as-is"), sqnr ? strtod (sqnr, &end) : 35 };
  if (sqnr && b->target.as_is)
    return adze_cli_misuse (cli, "--sqnr says nothing to --as-is; leave one of them out");
  if (sqnr && (end == sqnr || *end || !(b->target.sqnr > 0 && b->target.sqnr <= 300)))
    return adze_cli_misuse (cli, "--sqnr takes decibels, more than 0 and at most 300, not '%s'", sqnr);
  return adze_cli_size_option (cli, arguments, "most-bytes", &b->most);
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  __attribute__ ((cleanup (build_cleanup))) build b = { .state = { .lock = -1 }, .folder = -1 };
  int status = read_options (&b, cli, arguments);
  if (status == ADZE_CLI_FINE)
    status = phase_state_open (cli, arguments, false, &b.state);
  if (status == ADZE_CLI_FINE)
    status = phase_state_lock (&b.state);
  if (status == ADZE_CLI_FINE)
    status = phase_find (&b.state, b.name, &b.phase);
  if (status == ADZE_CLI_FINE)
    status = gather_domains (&b);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_follow (cli);
  if (status == ADZE_CLI_FINE)
    status = carry_out (&b);
  if (status == ADZE_CLI_FINE)
    print_end (&b);
  return status;
}

static const adze_cli_option options[] = {
  PHASE_ROOT_OPTION,
  PHASE_MOST_OPTION,
  { "sqnr", 0, false, "DB", "signal to noise that the smaller models have at least; 35 unless given" },
  { "as-is", 0, false, NULL, "make no model smaller" },
  { "clean", 0, false, NULL, "delete what adze phase clean has listed; else it is only listed" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb phase_verb_build = {
  .name = "phase build",
  .usage = "PHASE",
  .summary = "make one bundle out of the models of all domains",
  .about = "Cleans the folders (dry, unless told), validates each model, mends what is known, finds the codec that "
           "each tensor should have, and writes a GGUF file for each domain, with what a router has to know in its "
           "metadata, and manifest.json with SHA-256 of all. The folders of the models are not changed otherwise. "
           "A bundle gets its name when all of it is there.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
