/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: one worker each, killed afterwards whatever it said. */
#include "plugin/probe.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "plugin/refusal.h"
#include "plugin/worker_client.h"

/* False: NAME is none. */
static bool
step_of (const char *name, adze_step *found)
{
  for (int step = ADZE_STEP_FIND; step <= ADZE_STEP_INIT; step++)
    if (strcmp (adze_step_name ((adze_step)step), name) == 0) {
      *found = (adze_step)step;
      return true;
    }
  return false;
}

static const char *
culprit (adze_step step)
{
  return step == ADZE_STEP_OPEN        ? "a constructor of it, or of a library it needs,"
         : step == ADZE_STEP_ENTRY     ? "its entry " ADZE_PLUGIN_ENTRY
         : step == ADZE_STEP_LIBRARY   ? "loading the library it binds"
         : step == ADZE_STEP_SELF_TEST ? "the function it binds"
                                       : "reading its tables";
}

/* What a worker died of, or said instead of an answer, tells nothing about the plugin until it is
 * told where. */
static adze_error *
explain_end (adze_error *error, const adze_worker *worker, const char *path)
{
  adze_status status = adze_error_status (error);
  if (adze_error_fact (error, "step") || status == ADZE_E_MEMORY)
    return error;
  adze_step step;
  /* One that ends before its first step is itself at fault, such as when a library of its own is
   * missing. Without a step nobody will remember it of the plugin. */
  if (!step_of (adze_worker_progress (worker), &step)) {
    error = adze_error_wrap (error, "cannot try %s in a process of its own", path);
    adze_error_set (error, "hint", "reinstall adze: its worker does not run");
    return error;
  }
  bool ended = status == ADZE_E_CRASHED || status == ADZE_E_TIMEOUT;
  bool self_test = step == ADZE_STEP_SELF_TEST;
  adze_error *refusal
      = adze_refusal (ended ? status : ADZE_E_CONTRACT, step, path, "%s %s: %s", culprit (step),
                      ended ? "ended the process that tried it"
                            : "spoiled what the process that tried it had to say",
                      adze_error_message (error));
  refusal = adze_refusal_facts (
      refusal,
      self_test ? "results within the time limit"
                : "an entry that only returns a pointer to constant data",
      adze_error_message (error),
      self_test ? "check the signature in the manifest against the library's header"
                : "move work from constructors and the entry to init or create; then run "
                  "`adze plugin rescan`");
  adze_error_free (error);
  return refusal;
}

/* What the answer means; the answer may have been forged by the code that was tried. */
typedef adze_error *(*understand) (const adze_document *reply, const adze_value *answer,
                                   void *result);

static adze_error *
probe (const char *program, const char *verb, const char *path, int64_t limit_ms,
       understand understand_answer, void *result)
{
  ADZE_AUTO_WORKER worker = NULL;
  ADZE_AUTO (adze_document) reply = { 0 };
  ADZE_AUTO_VALUE request = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (request, "do", verb);
  adze_json_string (request, "path", path);
  if (adze_json_failed (request))
    return adze_error_memory ();
  ADZE_TRY (adze_worker_start (program, NULL, false, &worker));
  adze_error *error = adze_worker_ask (worker, request, limit_ms, &reply);
  if (error)
    return explain_end (error, worker, path);
  error = understand_answer (&reply, adze_value_get (reply.root, "ok"), result);
  if (!error || adze_error_status (error) == ADZE_E_MEMORY)
    return error;
  /* Its step is about the text that came, which is no file of the user's. */
  adze_error *bare = adze_error_new (ADZE_E_FORMAT, "%s", adze_error_message (error));
  adze_error_free (error);
  return explain_end (bare, worker, path);
}

static adze_error *
understand_manifest (const adze_document *reply, const adze_value *answer, void *result)
{
  return adze_manifest_from_value (reply, answer, result);
}

typedef struct tested_files {
  char **names;
  size_t count;
} tested_files;

static adze_error *
understand_libraries (const adze_document *reply, const adze_value *answer, void *result)
{
  const adze_value *files = adze_value_get (answer, "libraries");
  tested_files *tested = result;
  (void)reply;
  if (!files || files->type != ADZE_VALUE_LIST || files->count == 0)
    return adze_error_new (ADZE_E_FORMAT, "the worker did not say which library it tested");
  tested->names = calloc (files->count, sizeof *tested->names);
  if (!tested->names)
    return adze_error_memory ();
  for (size_t i = 0; i < files->count; i++) {
    const adze_value *file = files->items[i];
    if (file->type != ADZE_VALUE_STRING)
      return adze_error_new (ADZE_E_FORMAT, "the worker tested what is no file");
    if (!(tested->names[tested->count] = strdup (file->string)))
      return adze_error_memory ();
    tested->count++;
  }
  return NULL;
}

adze_error *
adze_probe_plugin (const char *worker, const char *path, adze_manifest **manifest)
{
  return probe (worker, "probe", path, ADZE_PROBE_LIMIT_MS, understand_manifest, manifest);
}

adze_error *
adze_probe_foreign (const char *worker, const char *path, char ***libraries, size_t *count)
{
  tested_files tested = { 0 };
  adze_error *error = probe (worker, "self-test", path, ADZE_SELF_TEST_LIMIT_MS,
                             understand_libraries, &tested);
  if (error) {
    adze_names_free (tested.names, tested.count);
    return error;
  }
  *libraries = tested.names;
  *count = tested.count;
  return NULL;
}
