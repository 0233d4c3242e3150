/* SPDX-License-Identifier: Apache-2.0 */
/* run/compute.c: the backends that stages with run compute with: opened for them, and as a part of what
 * their results depend on.
 *
 * Whether such a stage computes at all is known when it has run, and a key is needed before: so all of
 * them count on their backend. */
#include <string.h>

#include "run/execution.h"

const char *
adze_compute_backend (const adze_plan *plan, const adze_plan_stage *planned)
{
  return planned->stage->backend ? planned->stage->backend : plan->pipeline->backend;
}

static adze_delegation
delegation_of (const adze_plan *plan)
{
  const char *delegate = plan->pipeline->delegate;
  return strcmp (delegate, "error") == 0  ? ADZE_DELEGATE_ERROR
         : strcmp (delegate, "warn") == 0 ? ADZE_DELEGATE_WARN
                                          : ADZE_DELEGATE_ALLOW;
}

adze_error *
adze_compute_open (const adze_plan *plan, const adze_plan_stage *planned, adze_networks **networks)
{
  return adze_networks_open (plan->runtime, planned->stage->id, adze_compute_backend (plan, planned),
                             delegation_of (plan), networks);
}

void
adze_compute_wish (const adze_plan *plan, const adze_plan_stage *planned, bool rehearses, adze_run_compute *compute)
{
  *compute = (adze_run_compute){ .runtime = plan->runtime,
                                 .stage = planned->stage->id,
                                 .backend = adze_compute_backend (plan, planned),
                                 .delegation = delegation_of (plan),
                                 .rehearses = rehearses };
}

/* What it says of itself; *THREADS: its bytes depend on how many there are. */
static adze_error *
ask (adze_runtime *runtime, const char *id, char **identity, bool *threads)
{
  adze_backend_at_work *backend;
  *identity = NULL;
  ADZE_TRY (adze_backend_open (runtime, id, NULL, NULL, &backend));
  *identity = strdup (adze_backend_identity (backend));
  *threads = adze_backend_callbacks (backend)->determinism != ADZE_SAME_FOR_ANY_THREADS;
  adze_backend_close (backend);
  return *identity ? NULL : adze_error_memory ();
}

/* One and its plugin. */
static adze_error *
add (adze_execution *x, adze_key *key, const char *stage, const char *part, const char *id)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO_FREE char *identity = NULL;
  bool threads = false;
  ADZE_AUTO_FREE char *prefix = adze_text_format ("%s/%s", stage, part);
  if (!prefix)
    return adze_error_memory ();
  ADZE_TRY (adze_find_component (x->plan->runtime, id, &record, &component));
  ADZE_TRY (ask (x->plan->runtime, id, &identity, &threads));
  ADZE_TRY (adze_content_add (key, stage, part, id));
  ADZE_TRY (adze_content_plugin (x, key, prefix, record));
  if (identity[0])
    ADZE_TRY (adze_content_add (key, prefix, "identity", identity));
  if (!threads)
    return NULL;
  ADZE_AUTO_FREE char *count = adze_text_format ("%u", x->plan->lanes);
  return count ? adze_content_add (key, prefix, "threads", count) : adze_error_memory ();
}

/* What the backend lacks is computed by ref, which then counts as well. A result may be of both: who
 * refuses that does not take it from who did not. */
adze_error *
adze_compute_key (adze_execution *x, adze_key *key, const adze_plan_stage *planned)
{
  const char *backend = adze_compute_backend (x->plan, planned);
  if (!planned->facts->runs)
    return NULL;
  ADZE_TRY (add (x, key, planned->stage->id, "backend", backend));
  if (strcmp (backend, "ref") == 0)
    return NULL;
  ADZE_TRY (add (x, key, planned->stage->id, "reference", "ref"));
  const char *delegate = x->plan->pipeline->delegate;
  return strcmp (delegate, "error") == 0
             ? adze_content_add (key, planned->stage->id, "delegate", delegate)
             : NULL;
}

adze_error *
adze_compute_lock (const adze_plan *plan, const adze_plan_stage *planned, adze_lock_uses *uses)
{
  const char *id = adze_compute_backend (plan, planned);
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO_FREE char *identity = NULL;
  bool threads;
  if (!planned->facts->runs)
    return NULL;
  ADZE_TRY (adze_find_component (plan->runtime, id, &record, &component));
  ADZE_TRY (ask (plan->runtime, id, &identity, &threads));
  ADZE_TRY (adze_lock_use_plugin (uses, plan->runtime, record));
  return adze_lock_use_backend (uses, id, identity);
}
