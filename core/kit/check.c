/* SPDX-License-Identifier: Apache-2.0 */
/* adze_plugin_check: which cases there are for a plugin, and a process for each of them. */
#define _GNU_SOURCE 1 /* nftw's flags */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "kit/kit.h"
#include "plugin/probe.h"
#include "plugin/worker_client.h"

typedef struct job {
  const adze_case_entry *entry;
  const char *component; /* NULL: the plugin */
  bool remote;
} job;

typedef struct run {
  adze_runtime *runtime;
  const char *path;
  const adze_manifest *manifest;
  adze_check_options options;
  adze_case_listener report;
  void *argument;
  job *jobs;
  size_t count;
  size_t failed;
} run;

/* ---- Which cases. */

static unsigned
scope_of (const adze_manifest_component *component)
{
  if (strcmp (component->kind, ADZE_TECHNIQUE) == 0)
    return ADZE_CASE_TECHNIQUE;
  if (strcmp (component->kind, ADZE_FORMAT) == 0)
    return ADZE_CASE_FORMAT;
  if (strcmp (component->kind, ADZE_SOURCE) == 0)
    return ADZE_CASE_SOURCE;
  return strcmp (component->kind, ADZE_OBSERVER) == 0 ? ADZE_CASE_OBSERVER : 0;
}

static char *
job_name (const job *one)
{
  if (!one->component)
    return strdup (one->entry->name);
  return adze_text_format ("%s: %s, %s", one->component, one->entry->name,
                           one->remote ? "in a worker" : "in the host");
}

static adze_error *
add_job (run *all, const adze_case_entry *entry, const char *component, bool remote)
{
  job one = { entry, component, remote };
  ADZE_AUTO_FREE char *name = job_name (&one);
  job *grown = realloc (all->jobs, (all->count + 1) * sizeof *grown);
  if (grown)
    all->jobs = grown;
  if (!name || !grown)
    return adze_error_memory ();
  if (!all->options.only || strstr (name, all->options.only))
    all->jobs[all->count++] = one;
  return NULL;
}

static adze_error *
add_component_jobs (run *all, const adze_manifest_component *component)
{
  for (const adze_case_entry *entry = adze_cases; entry->name; entry++) {
    if (!(entry->scope & scope_of (component)))
      continue;
    ADZE_TRY (add_job (all, entry, component->id, false));
    if (entry->scope & ADZE_CASE_REMOTE)
      ADZE_TRY (add_job (all, entry, component->id, true));
  }
  return NULL;
}

/* A plugin that cannot be probed has no components that we know of; its own cases will say why. */
static adze_error *
make_jobs (run *all)
{
  for (const adze_case_entry *entry = adze_cases; entry->name; entry++)
    if (entry->scope & ADZE_CASE_PLUGIN)
      ADZE_TRY (add_job (all, entry, NULL, false));
  for (size_t i = 0; all->manifest && i < all->manifest->component_count; i++)
    ADZE_TRY (add_component_jobs (all, &all->manifest->components[i]));
  if (all->count > 0)
    return NULL;
  return adze_error_new (ADZE_E_PARAM, "no case has '%s' in its name", all->options.only);
}

/* ---- A process for each. */

static int
remove_one (const char *path, const struct stat *status, int type, struct FTW *walk)
{
  (void)status;
  (void)type;
  (void)walk;
  return remove (path);
}

static adze_error *
make_request (const run *all, const job *one, const char *folder, adze_value **request)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (table, "do", "case");
  adze_json_string (table, "case", one->entry->name);
  adze_json_string (table, "path", all->path);
  adze_json_string (table, "component", one->component);
  adze_json_bool (table, "remote", one->remote);
  adze_json_string (table, "worker", all->runtime->places.worker);
  adze_json_string (table, "folder", folder);
  adze_json_int (table, "seed", (int64_t)all->options.seed);
  adze_json_int (table, "rounds", all->options.rounds);
  if (adze_json_failed (table))
    return adze_error_memory ();
  *request = adze_take (&table);
  return NULL;
}

/* *SKIPPED, to be freed: why it does not apply. */
static adze_error *
run_in_process (const run *all, const job *one, const char *folder, char **skipped)
{
  ADZE_AUTO_VALUE request = NULL;
  ADZE_AUTO_WORKER worker = NULL;
  ADZE_AUTO (adze_document) reply = { 0 };
  ADZE_TRY (make_request (all, one, folder, &request));
  ADZE_TRY (adze_worker_start (all->runtime->places.worker, NULL, true, &worker));
  adze_error *error = adze_worker_ask (worker, request, all->options.time_limit_ms, &reply);
  const char *progress = adze_worker_progress (worker);
  adze_status status = adze_error_status (error);
  if ((status == ADZE_E_CRASHED || status == ADZE_E_TIMEOUT) && progress[0])
    return adze_error_wrap (error, "at \"%s\"", progress);
  if (error)
    return error;
  const adze_value *why = adze_value_get (adze_value_get (reply.root, "ok"), "skipped");
  if (why && why->type == ADZE_VALUE_STRING && !(*skipped = strdup (why->string)))
    return adze_error_memory ();
  return NULL;
}

static adze_error *
run_job (run *all, size_t index)
{
  const char *place = secure_getenv ("TMPDIR");
  if (!place || place[0] != '/')
    place = "/tmp";
  ADZE_AUTO_FREE char *folder = adze_text_format ("%s/adze-check-XXXXXX", place);
  ADZE_AUTO_FREE char *name = job_name (&all->jobs[index]);
  ADZE_AUTO_FREE char *skipped = NULL;
  if (!name || !folder)
    return adze_error_memory ();
  if (!mkdtemp (folder))
    return adze_error_errno ("cannot make a folder in %s, where temporary files belong (TMPDIR)",
                             place);
  ADZE_AUTO_ERROR failure = run_in_process (all, &all->jobs[index], folder, &skipped);
  nftw (folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  ADZE_AUTO_FREE char *text = failure ? adze_error_text (failure) : NULL;
  const adze_case_report report = {
    .struct_size = sizeof report,
    .number = index + 1,
    .count = all->count,
    .name = name,
    .verdict = failure ? ADZE_CASE_FAILED : skipped ? ADZE_CASE_SKIPPED : ADZE_CASE_PASSED,
    .detail = failure ? text : skipped,
  };
  all->failed += failure != NULL;
  all->report (all->argument, &report);
  return NULL;
}

/* ---- */

static void
ignore_report (void *argument, const adze_case_report *report)
{
  (void)argument;
  (void)report;
}

static adze_error *
copy_options (const adze_check_options *given, adze_check_options *own)
{
  enum { ROUNDS = 16, LIMIT_MS = 20000 };
  *own = (adze_check_options)ADZE_CHECK_OPTIONS_INIT;
  if (given && (given->struct_size < sizeof given->struct_size
                || given->struct_size > ADZE_STRUCT_SIZE_MAX))
    return adze_error_new (ADZE_E_PARAM,
                           "adze_check_options.struct_size is %zu; begin with "
                           "ADZE_CHECK_OPTIONS_INIT",
                           given->struct_size);
  if (given)
    memcpy (own, given, given->struct_size < sizeof *own ? given->struct_size : sizeof *own);
  if (own->rounds == 0)
    own->rounds = ROUNDS;
  if (own->time_limit_ms == 0)
    own->time_limit_ms = LIMIT_MS;
  return NULL;
}

adze_error *
adze_plugin_check (adze_runtime *runtime, const char *path, const adze_check_options *options,
                   adze_case_listener report, void *argument, size_t *failed)
{
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_AUTO_MANIFEST manifest = NULL;
  run all = { .runtime = runtime, .report = report ? report : ignore_report, .argument = argument };
  ADZE_TRY (copy_options (options, &all.options));
  ADZE_TRY (adze_path_absolute (path, &absolute));
  if (access (absolute, F_OK) != 0)
    return adze_refusal_facts (
        adze_refusal (ADZE_E_NOT_FOUND, ADZE_STEP_FIND, path, "it cannot be reached"),
        "a plugin's shared object", "nothing under that name", "check the path");
  ADZE_TRY (adze_admit (runtime, absolute));
  adze_error_free (adze_probe_plugin (runtime->places.worker, absolute, &manifest));
  all.path = absolute;
  all.manifest = manifest;
  adze_error *error = make_jobs (&all);
  for (size_t i = 0; !error && i < all.count; i++)
    error = run_job (&all, i);
  free (all.jobs);
  *failed = all.failed;
  return error;
}
