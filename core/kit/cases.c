/* SPDX-License-Identifier: Apache-2.0 */
/* The table of cases, and how a process runs one of them. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kit/kit.h"

const adze_case_entry adze_cases[] = {
  { "the file is sound and exports its entry alone", adze_case_elf, ADZE_CASE_PLUGIN },
  { "it loads in the host", adze_case_load, ADZE_CASE_PLUGIN },
  { "it loads in a worker", adze_case_load_worker, ADZE_CASE_PLUGIN },
  { "it starts and ends three times over", adze_case_load_again, ADZE_CASE_PLUGIN },
  { "its manifest says the same", adze_case_manifest, ADZE_CASE_PLUGIN },
  { "a short descriptor is refused", adze_case_descriptor_short, ADZE_CASE_PLUGIN },
  { "a long descriptor is taken", adze_case_descriptor_long, ADZE_CASE_PLUGIN },
  { "an old descriptor is taken", adze_case_descriptor_old, ADZE_CASE_PLUGIN },
  { "a future minor is refused", adze_case_descriptor_future_minor, ADZE_CASE_PLUGIN },
  { "a future major is refused", adze_case_descriptor_future_major, ADZE_CASE_PLUGIN },
  { "presets", adze_case_defaults,
    ADZE_CASE_TECHNIQUE | ADZE_CASE_OBSERVER | ADZE_CASE_REMOTE },
  { "random parameters", adze_case_random,
    ADZE_CASE_TECHNIQUE | ADZE_CASE_OBSERVER | ADZE_CASE_REMOTE },
  { "the same again", adze_case_same_again, ADZE_CASE_TECHNIQUE | ADZE_CASE_REMOTE },
  { "pieces", adze_case_pieces, ADZE_CASE_TECHNIQUE | ADZE_CASE_REMOTE },
  { "accumulators", adze_case_accumulators, ADZE_CASE_TECHNIQUE | ADZE_CASE_REMOTE },
  { "a host without extensions", adze_case_bare_host, ADZE_CASE_TECHNIQUE | ADZE_CASE_OBSERVER },
  { "the oldest host it can do with", adze_case_old_host,
    ADZE_CASE_TECHNIQUE | ADZE_CASE_OBSERVER },
  { "each allocate fails", adze_case_allocate, ADZE_CASE_TECHNIQUE | ADZE_CASE_OBSERVER },
  { "each malloc fails", adze_case_malloc, ADZE_CASE_TECHNIQUE | ADZE_CASE_OBSERVER },
  { "several threads", adze_case_threads, ADZE_CASE_TECHNIQUE },
  { "it leaves no process and no thread behind", adze_case_leftovers,
    ADZE_CASE_TECHNIQUE | ADZE_CASE_OBSERVER },
  { "heads of other files", adze_case_recognise, ADZE_CASE_FORMAT },
  { "files that are none of its own", adze_case_garbage, ADZE_CASE_FORMAT | ADZE_CASE_SOURCE },
  { "such files, and each allocate fails", adze_case_garbage_allocate,
    ADZE_CASE_FORMAT | ADZE_CASE_SOURCE },
  { NULL, NULL, 0 },
};

static const adze_case_entry *
find_case (const char *name)
{
  for (const adze_case_entry *entry = adze_cases; entry->name; entry++)
    if (strcmp (entry->name, name) == 0)
      return entry;
  return NULL;
}

static int64_t
integer_of (const adze_value *request, const char *key)
{
  const adze_value *value = adze_value_get (request, key);
  return value && value->type == ADZE_VALUE_INT ? value->integer : 0;
}

adze_error *
adze_case_serve (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  const char *name, *folder;
  adze_case one = { .state = state };
  ADZE_TRY (adze_worker_text (request, "case", &name));
  ADZE_TRY (adze_worker_text (request, "path", &one.path));
  ADZE_TRY (adze_worker_text (request, "worker", &one.worker));
  ADZE_TRY (adze_worker_text (request, "folder", &folder));
  const adze_value *component = adze_value_get (request, "component");
  const adze_value *remote = adze_value_get (request, "remote");
  const adze_case_entry *entry = find_case (name);
  if (!entry)
    return adze_error_new (ADZE_E_FORMAT, "there is no case '%s'", name);
  /* What a plugin writes under a relative name belongs to nobody. */
  if (chdir (folder) != 0)
    return adze_error_errno ("cannot work in %s", folder);
  one.component = component ? component->string : NULL;
  one.remote = remote && remote->boolean;
  one.seed = (uint64_t)integer_of (request, "seed");
  one.rounds = (unsigned)integer_of (request, "rounds");
  ADZE_AUTO_ERROR error = entry->function (&one);
  if (error && adze_error_fact (error, ADZE_CASE_GUESSED))
    snprintf (one.skipped, sizeof one.skipped,
              "it wants values that cannot be guessed, or other plugins");
  else if (error)
    return adze_take (&error);
  if (one.skipped[0])
    adze_json_string (reply, "skipped", one.skipped);
  return NULL;
}
