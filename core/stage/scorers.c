/* SPDX-License-Identifier: Apache-2.0 */
/* stage/scorers.c: adze.scorer/1: scorers that a technique's parameters name. */
#include "stage/scorers.h"

#include <string.h>

#include "plugin/manifest/params.h"
#include "plugin/services.h"
#include "stage/call.h"
#include "stage/codecs.h"

struct adze_scorer_use {
  adze_plugin_record *record;
  const adze_manifest_component *component;
  const adze_params *params;
  adze_scorer callbacks;
  adze_desk *desk;
  adze_scorer_use *next; /* of those that the instance has */
};

/* ---- Opening and closing. */

/* What runs in this process runs with all its rights; those of a worker are few. */
static adze_error *
check_component (const adze_runtime *runtime, const adze_scorer_use *use)
{
  const adze_plugin_record *record = use->record;
  if (strcmp (use->component->kind, ADZE_SCORER) != 0)
    return adze_error_new (ADZE_E_PARAM,
                           "'%s' is of kind %s, and no scorer; `adze list scorer` shows which there are",
                           use->component->id, use->component->kind);
  if (record->builtin || record->trusted || runtime->is_worker)
    return NULL;
  adze_error *error = adze_error_new (
      ADZE_E_TRUST, "the scorer '%s' is not used: it would run in this process, and %s is in a folder that is not trusted",
      use->component->id, record->path);
  adze_error_set (error, "file", record->path);
  adze_error_set (error, "hint", "if you trust it, list its folder under `trusted` in config.toml, or sign it");
  return error;
}

static adze_error *
open_parts (adze_runtime *runtime, const char *id, adze_scorer_use *use)
{
  const adze_callbacks *callbacks = NULL;
  void *own = NULL;
  ADZE_TRY (adze_find_component (runtime, id, &use->record, &use->component));
  ADZE_TRY (check_component (runtime, use));
  ADZE_TRY (adze_activate (runtime, use->record));
  ADZE_TRY (adze_active_callbacks (use->record, use->component->id, &callbacks, &own));
  use->callbacks = callbacks->scorer;
  adze_desk_options options = {
    .profile = runtime->profile,
    .bus = runtime->bus,
    .pool = runtime->pool,
    .services = adze_service_find,
    .source = use->component->id,
    .seed = runtime->seed,
    .own = own,
  };
  return adze_desk_open (&options, &use->desk);
}

void
adze_scorers_close (adze_scorer_use *uses)
{
  while (uses) {
    adze_scorer_use *next = uses->next;
    if (uses->desk) {
      ADZE_AUTO_ERROR kept = adze_desk_audit (uses->desk);
      if (kept)
        adze_tell_end (adze_desk_bus (uses->desk), uses->component->id, kept, true);
    }
    adze_desk_close (uses->desk);
    free (uses);
    uses = next;
  }
}

static adze_error *
open_named (adze_codecs *keeper, const adze_params *params, const char *name, adze_scorer_use **use)
{
  adze_runtime *runtime = adze_codecs_runtime (keeper);
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    if (strcmp (value->name, name) != 0 || value->type != ADZE_PARAM_COMPONENT)
      continue;
    adze_scorer_use *fresh = calloc (1, sizeof *fresh);
    if (!fresh)
      return adze_error_memory ();
    fresh->params = value->nested;
    ADZE_LOCKED (runtime);
    adze_error *error = open_parts (runtime, value->string, fresh);
    if (error) {
      adze_scorers_close (fresh);
      return error;
    }
    adze_scorer_use **kept = adze_codecs_scorers (keeper);
    fresh->next = *kept;
    *kept = *use = fresh;
    return NULL;
  }
  return adze_error_new (ADZE_E_CONTRACT, "it has no parameter '%s' that is a component", name);
}

/* ---- The service: asked inside a callback, it answers there. */

static adze_status
settle (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

static adze_status
scorers_open (const adze_host *host, const adze_params *params, const char *name, adze_scorer_use **use)
{
  *use = NULL;
  if (!adze_desk_inside (adze_desk_of (host), ADZE_SCORERS " open"))
    return ADZE_E_CONTRACT;
  return settle (host, open_named (adze_desk_keeper (adze_desk_of (host)), params, name, use));
}

static const char *
scorers_id (const adze_scorer_use *use)
{
  return use->component->id;
}

static adze_error *
check_scores (const adze_scorer_use *use, const adze_scorer_domain *domains, size_t count, const double *scores)
{
  for (size_t i = 0; i < count; i++)
    if (!(scores[i] >= 0 && scores[i] <= 1))
      return adze_error_new (ADZE_E_CONTRACT, "the scorer '%s' gives the domain '%s' %.9g; needed is a score from 0 to 1",
                             use->component->id, domains[i].name, scores[i]);
  return NULL;
}

/* run, and with it this, is on one thread; a plugin may have other instances at work elsewhere. */
static adze_error *
score (adze_scorer_use *use, const adze_scorer_query *query, const adze_scorer_domain *domains, size_t count,
       double *scores)
{
  pthread_mutex_t *lock = use->component->threading == ADZE_THREADS_PLUGIN ? &use->record->plugin_lock : NULL;
  adze_desk_frame frame;
  if (lock)
    pthread_mutex_lock (lock);
  adze_desk_enter (use->desk, &frame);
  adze_status status = use->callbacks.score (adze_desk_table (use->desk), use->callbacks.own, use->params, query,
                                             domains, count, scores);
  adze_error *error = adze_desk_leave (&frame, "score", status);
  if (lock)
    pthread_mutex_unlock (lock);
  return error ? error : check_scores (use, domains, count, scores);
}

static adze_status
scorers_score (const adze_host *host, adze_scorer_use *use, const adze_scorer_query *query,
               const adze_scorer_domain *domains, size_t count, double *scores)
{
  return settle (host, score (use, query, domains, count, scores));
}

const adze_scorers_service adze_scorers_services = {
  .struct_size = sizeof adze_scorers_services,
  .open = scorers_open,
  .id = scorers_id,
  .score = scorers_score,
};
