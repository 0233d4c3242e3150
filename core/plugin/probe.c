/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: one worker each, killed afterwards whatever it said. */
#include "plugin/probe.h"

#include <string.h>

#include "base/json.h"
#include "plugin/refusal.h"
#include "plugin/worker_client.h"

static adze_step
step_of (const char *name)
{
  for (int step = ADZE_STEP_FIND; step <= ADZE_STEP_INIT; step++)
    if (strcmp (adze_step_name ((adze_step)step), name) == 0)
      return (adze_step)step;
  return ADZE_STEP_ENTRY;
}

/* What a worker died of says nothing about the plugin until it is said where. */
static adze_error *
explain_end (adze_error *error, const adze_worker *worker, const char *path)
{
  adze_status status = adze_error_status (error);
  if (adze_worker_answered (worker) || (status != ADZE_E_CRASHED && status != ADZE_E_TIMEOUT))
    return error;
  adze_step step = step_of (adze_worker_progress (worker));
  const char *where = step == ADZE_STEP_OPEN    ? "a constructor of it, or of a library it needs,"
                      : step == ADZE_STEP_ENTRY ? "its entry " ADZE_PLUGIN_ENTRY
                      : step == ADZE_STEP_SELF_TEST ? "the function it binds"
                                                    : "reading its tables";
  adze_error *refusal
      = adze_refusal (status, step, path, "%s ended the process that tried it: %s",
                      where, adze_error_message (error));
  refusal = adze_refusal_facts (
      refusal,
      step == ADZE_STEP_SELF_TEST ? "results within the time limit"
                                  : "an entry that only returns a pointer to constant data",
      adze_error_message (error),
      step == ADZE_STEP_SELF_TEST
          ? "check the signature in the manifest against the library's header"
          : "move work from constructors and the entry to init or create; then run "
            "`adze plugin rescan`");
  adze_error_free (error);
  return refusal;
}

static adze_error *
probe (const char *program, const char *verb, const char *path, int64_t limit_ms,
       adze_document *reply)
{
  ADZE_AUTO_WORKER worker = NULL;
  ADZE_AUTO_VALUE request = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (request, "do", verb);
  adze_json_string (request, "path", path);
  if (adze_json_failed (request))
    return adze_error_memory ();
  ADZE_TRY (adze_worker_start (program, NULL, false, &worker));
  adze_error *error = adze_worker_ask (worker, request, limit_ms, reply);
  return error ? explain_end (error, worker, path) : NULL;
}

adze_error *
adze_probe_plugin (const char *worker, const char *path, adze_manifest **manifest)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  ADZE_TRY (probe (worker, "probe", path, ADZE_PROBE_LIMIT_MS, &reply));
  return adze_manifest_from_value (&reply, adze_value_get (reply.root, "ok"), manifest);
}

adze_error *
adze_probe_foreign (const char *worker, const char *path, char **library)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  ADZE_TRY (probe (worker, "self-test", path, ADZE_SELF_TEST_LIMIT_MS, &reply));
  const adze_value *file = adze_value_get (adze_value_get (reply.root, "ok"), "library");
  if (!file || file->type != ADZE_VALUE_STRING)
    return adze_error_new (ADZE_E_FORMAT, "the worker did not say which library it tested");
  *library = strdup (file->string);
  return *library ? NULL : adze_error_memory ();
}
