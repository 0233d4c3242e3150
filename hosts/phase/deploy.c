/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase deploy. The bundle is copied beside the versions that are there, held against its
 * manifest, and becomes the current one by one rename; the one before stays. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "phase/target.h"
#include "phase/verbs.h"

#define PART ".part"
#define GONE ".gone"

typedef struct deployment {
  phase_state state;
  phase_site site;
  int64_t phase, build, number, move;
  int source;  /* the bundle's folder */
  char *where; /* its path */
  phase_manifest manifest;
} deployment;

static void
deployment_cleanup (deployment *d)
{
  phase_cleanup_close (&d->source);
  free (d->where);
  phase_manifest_cleanup (&d->manifest);
  phase_site_close (&d->site);
  phase_state_close (&d->state);
}

/* ---- What is deployed. */

/* The newest build, or that of the number BUILD. It must be the one that was written down. */
static int
find_build (deployment *d, const char *name, int64_t build)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (&d->state, &statement,
                              "SELECT number, digest FROM build WHERE phase = ?1 AND (?2 = 0 OR number = ?2)"
                              " ORDER BY number DESC LIMIT 1",
                              "ii", d->phase, build);
  if (status == ADZE_CLI_FINE)
    status = phase_step (&d->state, statement, &row);
  if (status != ADZE_CLI_FINE)
    return status;
  if (!row)
    return adze_cli_refuse (d->state.cli, "the phase '%s' has no %s; adze phase build makes one", name,
                            build ? "build of that number" : "build yet");
  d->build = sqlite3_column_int64 (statement, 0);
  d->where = phase_path (&d->state, "built/%s/%" PRId64, name, d->build);
  d->source = d->where ? phase_folder_at (AT_FDCWD, d->where) : -1;
  if (d->source < 0)
    return adze_cli_broken (d->state.cli, "cannot open the bundle %s", d->where ? d->where : "");
  status = phase_manifest_read (&d->state, d->source, d->where, &d->manifest);
  return status == ADZE_CLI_FINE && strcmp (d->manifest.digest, phase_text (statement, 1)) != 0
             ? adze_cli_refuse (d->state.cli, "%s/" PHASE_MANIFEST " is not the one that was built; build it again",
                                d->where)
             : status;
}

static bool
is_file (const deployment *d, const char *name, const char *wanted)
{
  char path[160], digest[PHASE_DIGEST];
  int64_t bytes;
  const int size = snprintf (path, sizeof path, "versions/%" PRId64 "/bundle/%s", d->site.current, name);
  return size > 0 && (size_t)size < sizeof path && phase_digest_at (d->site.folder, path, digest, &bytes)
         && strcmp (digest, wanted) == 0;
}

/* Is it what is current already, every byte of it? A current version that is damaged is replaced. */
static bool
is_current (const deployment *d)
{
  bool same = d->site.current > 0 && is_file (d, PHASE_MANIFEST, d->manifest.digest);
  for (size_t i = 0; same && i < d->manifest.count; i++)
    same = is_file (d, d->manifest.parts[i].file, d->manifest.parts[i].digest);
  return same;
}

/* ---- Copying. */

static int
copy_part (const deployment *d, int bundle, const char *name, const char *wanted)
{
  const adze_cli *cli = d->state.cli;
  char digest[PHASE_DIGEST];
  int64_t bytes;
  PHASE_FD from = openat (d->source, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0)
    return adze_cli_broken (cli, "cannot read %s/%s", d->where, name);
  PHASE_FD to = openat (bundle, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (to < 0 || !phase_digest (from, to, digest, &bytes) || fsync (to) != 0)
    return adze_cli_broken (cli, "cannot copy %s/%s to %s", d->where, name, d->site.path);
  return strcmp (digest, wanted) == 0 ? ADZE_CLI_FINE
                                      : adze_cli_refuse (cli,
                                                         "%s/%s is not the file that was built: its SHA-256 is %s, and "
                                                         "was %s; build it again",
                                                         d->where, name, digest, wanted);
}

static int
copy_bundle (const deployment *d, int part)
{
  const adze_cli *cli = d->state.cli;
  char before[32];
  const int size = snprintf (before, sizeof before, "%" PRId64 "\n", d->site.current);
  if (mkdirat (part, "bundle", 0777) != 0)
    return adze_cli_broken (cli, "cannot begin in %s", d->site.path);
  PHASE_FD bundle = phase_folder_at (part, "bundle");
  int status = bundle < 0 ? adze_cli_broken (cli, "cannot begin in %s", d->site.path)
                          : copy_part (d, bundle, PHASE_MANIFEST, d->manifest.digest);
  for (size_t i = 0; status == ADZE_CLI_FINE && i < d->manifest.count; i++)
    status = copy_part (d, bundle, d->manifest.parts[i].file, d->manifest.parts[i].digest);
  if (status == ADZE_CLI_FINE
      && (!phase_write_at (part, "before", before, (size_t)size) || !phase_sync (bundle) || !phase_sync (part)))
    status = adze_cli_broken (cli, "cannot copy the bundle to %s", d->site.path);
  return status;
}

static int
bring_in (const deployment *d)
{
  char number[24];
  snprintf (number, sizeof number, "%" PRId64, d->number);
  /* What a deployment that was killed has left. */
  if (!phase_remove_at (d->site.versions, PART) || mkdirat (d->site.versions, PART, 0777) != 0)
    return adze_cli_broken (d->state.cli, "cannot begin in %s", d->site.path);
  PHASE_FD part = phase_folder_at (d->site.versions, PART);
  int status = part < 0 ? adze_cli_broken (d->state.cli, "cannot begin in %s", d->site.path) : copy_bundle (d, part);
  if (status == ADZE_CLI_FINE
      && (renameat (d->site.versions, PART, d->site.versions, number) != 0 || !phase_sync (d->site.versions)))
    status = adze_cli_broken (d->state.cli, "cannot give the version its name, %s/versions/%s", d->site.path, number);
  if (status != ADZE_CLI_FINE)
    phase_remove_at (d->site.versions, PART);
  return status;
}

/* ---- The versions that are there. */

static int64_t
number_of (const char *name)
{
  char *end;
  const long long number = name[0] >= '1' && name[0] <= '9' ? strtoll (name, &end, 10) : 0;
  return number > 0 && !*end ? number : 0;
}

static int
next_number (deployment *d)
{
  char **names;
  size_t count;
  if (!phase_names_at (d->site.versions, &names, &count))
    return adze_cli_broken (d->state.cli, "cannot look into %s/versions", d->site.path);
  d->number = 1;
  for (size_t i = 0; i < count; i++)
    d->number = number_of (names[i]) >= d->number ? number_of (names[i]) + 1 : d->number;
  phase_names_free (names, count);
  return ADZE_CLI_FINE;
}

/* All but the current version and the one before go; each loses its name first, so that there is no half one. What
 * cannot be removed is no failure of the deployment. */
static void
forget_others (const deployment *d, int64_t before)
{
  char **names;
  size_t count;
  bool fine = phase_remove_at (d->site.versions, GONE) && phase_names_at (d->site.versions, &names, &count);
  if (!fine) {
    adze_cli_note (d->state.cli, "cannot remove older versions of %s: %s", d->site.path, strerror (errno));
    return;
  }
  for (size_t i = 0; i < count; i++) {
    const int64_t number = number_of (names[i]);
    if (number > 0 && number != d->site.current && number != before
        && (renameat (d->site.versions, names[i], d->site.versions, GONE) != 0
            || !phase_remove_at (d->site.versions, GONE)))
      adze_cli_note (d->state.cli, "cannot remove version %s of %s: %s", names[i], d->site.path, strerror (errno));
  }
  phase_names_free (names, count);
}

/* ---- The verb. */

static void
print_end (const deployment *d, const char *name, int64_t before)
{
  if (!d->state.cli->json) {
    fprintf (adze_cli_out, "deployed: %s/current is version %" PRId64 ", build %" PRId64 " of %s", d->site.path,
             d->site.current, d->build, name);
    fprintf (adze_cli_out, before ? "; before was version %" PRId64 "\n" : "\n", before);
    return;
  }
  fprintf (adze_cli_out, "{\"phase\": \"%s\", \"build\": %" PRId64 ", \"target\": ", name, d->build);
  adze_cli_print_json (adze_cli_out, d->site.path);
  fprintf (adze_cli_out, ", \"version\": %" PRId64 ", \"before\": %" PRId64 ", \"sha256\": \"%s\"}\n", d->site.current,
           before, d->manifest.digest);
}

static int
carry_out (deployment *d, const char *name)
{
  const int64_t before = d->site.current;
  if (is_current (d)) {
    adze_cli_note (d->state.cli, "build %" PRId64 " of %s is what %s has already", d->build, name, d->site.path);
    int status = phase_set_status (&d->state, d->phase, "deployed");
    if (status == ADZE_CLI_FINE)
      print_end (d, name, d->site.before);
    forget_others (d, d->site.before);
    return status;
  }
  int status = next_number (d);
  if (status == ADZE_CLI_FINE)
    status = phase_move_begin (&d->site, d->phase, "deploy", d->number, d->manifest.digest, &d->move);
  if (status == ADZE_CLI_FINE)
    status = bring_in (d);
  if (status == ADZE_CLI_FINE)
    status = phase_site_switch (&d->site, d->number);
  if (status == ADZE_CLI_FINE)
    status = phase_move_end (&d->site, d->phase, d->move);
  if (status != ADZE_CLI_FINE)
    return status;
  forget_others (d, before);
  print_end (d, name, before);
  return ADZE_CLI_FINE;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  __attribute__ ((cleanup (deployment_cleanup))) deployment d
      = { .state = { .lock = -1 }, .site = PHASE_SITE_INIT, .source = -1 };
  uint64_t build = 0;
  int status = adze_cli_number_option (cli, arguments, "build", 1, INT32_MAX, &build);
  if (status == ADZE_CLI_FINE)
    status = phase_state_open (cli, arguments, false, &d.state);
  if (status == ADZE_CLI_FINE)
    status = phase_find (&d.state, arguments->words[0], &d.phase);
  if (status == ADZE_CLI_FINE)
    status = find_build (&d, arguments->words[0], (int64_t)build);
  if (status == ADZE_CLI_FINE)
    status = phase_site_open (&d.state, arguments->words[1], true, &d.site);
  if (status == ADZE_CLI_FINE)
    status = phase_moves_settle (&d.site, d.phase, NULL);
  return status == ADZE_CLI_FINE ? carry_out (&d, arguments->words[0]) : status;
}

static const adze_cli_option options[] = {
  PHASE_ROOT_OPTION,
  { "build", 0, false, "N", "the build of that number rather than the newest" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb phase_verb_deploy = {
  .name = "phase deploy",
  .usage = "PHASE TARGET",
  .summary = "put a bundle into a folder, all of it at once",
  .about = "Copies the newest bundle of the phase into the folder TARGET, holds each file against its checksum, and "
           "then makes it the one that TARGET/current leads to. Whoever looks there finds the old version or the new "
           "one, whole, whenever this is ended. The version before stays for adze phase rollback; older ones go.",
  .options = options,
  .least = 2,
  .most = 2,
  .run = run,
};
