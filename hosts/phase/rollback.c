/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase rollback. The version before is still there, byte for byte; it is held against its
 * manifest and becomes the current one again. */
#include <inttypes.h>

#include "phase/target.h"
#include "phase/verbs.h"

static void
print_end (const phase_site *site, const char *name, int64_t from, const char *digest)
{
  if (!site->state->cli->json) {
    fprintf (adze_cli_out, "rolled back: %s/current is version %" PRId64 " again\n", site->path, site->current);
    return;
  }
  fprintf (adze_cli_out, "{\"phase\": \"%s\", \"target\": ", name);
  adze_cli_print_json (adze_cli_out, site->path);
  fprintf (adze_cli_out, ", \"version\": %" PRId64 ", \"from\": %" PRId64 ", \"sha256\": \"%s\"}\n", site->current, from,
           digest);
}

static int
switch_back (phase_site *site, int64_t phase, const char *name, const phase_manifest *manifest)
{
  const int64_t from = site->current;
  int64_t move;
  int status = phase_move_begin (site, phase, "rollback", site->before, manifest->digest, &move);
  if (status == ADZE_CLI_FINE)
    status = phase_site_switch (site, site->before);
  if (status == ADZE_CLI_FINE)
    status = phase_move_end (site, phase, move);
  if (status == ADZE_CLI_FINE)
    print_end (site, name, from, manifest->digest);
  return status;
}

static int
roll_back (phase_site *site, int64_t phase, const char *name)
{
  PHASE_MANIFEST_AUTO manifest = { .count = 0 };
  PHASE_FD folder = -1;
  if (site->before == 0)
    return adze_cli_refuse (site->state->cli, "%s has no version before the current one", site->path);
  int status = phase_site_bundle (site, site->before, &folder, &manifest);
  if (status == ADZE_CLI_FINE)
    status = phase_manifest_check (site->state, folder, site->path, &manifest);
  return status == ADZE_CLI_FINE ? switch_back (site, phase, name, &manifest) : status;
}

/* Done again after it was killed behind the switch, it would go back one version too many. */
static int
settle_and_roll_back (phase_site *site, int64_t phase, const char *name)
{
  PHASE_MANIFEST_AUTO manifest = { .count = 0 };
  PHASE_FD folder = -1;
  bool rolled = false;
  int status = phase_moves_settle (site, phase, &rolled);
  if (status != ADZE_CLI_FINE || !rolled)
    return status == ADZE_CLI_FINE ? roll_back (site, phase, name) : status;
  adze_cli_note (site->state->cli, "a rollback of %s that was ended in the middle had been done, and is now told",
                 site->path);
  status = phase_site_bundle (site, site->current, &folder, &manifest);
  if (status == ADZE_CLI_FINE)
    print_end (site, name, 0, manifest.digest);
  return status;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  PHASE_SITE site = PHASE_SITE_INIT;
  int64_t phase = 0;
  int status = phase_state_open (cli, arguments, false, &state);
  if (status == ADZE_CLI_FINE)
    status = phase_find (&state, arguments->words[0], &phase);
  if (status == ADZE_CLI_FINE)
    status = phase_site_open (&state, arguments->words[1], false, &site);
  return status == ADZE_CLI_FINE ? settle_and_roll_back (&site, phase, arguments->words[0]) : status;
}

static const adze_cli_option options[] = {
  PHASE_ROOT_OPTION,
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb phase_verb_rollback = {
  .name = "phase rollback",
  .usage = "PHASE TARGET",
  .summary = "bring the version before back",
  .about = "Holds the version that TARGET had before against its checksums, and makes it the current one again, all at "
           "once. One step back can be made for each deployment.",
  .options = options,
  .least = 2,
  .most = 2,
  .run = run,
};
