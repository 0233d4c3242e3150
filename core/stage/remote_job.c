/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that does jobs: asked for one, it has questions of its own until it answers, as with run; but nobody waits
 * for it alone. */
#include "stage/remote_private.h"
#include "stage/run_ops.h"

void
adze_remote_answer_with (adze_remote *remote, struct adze_run_answers *answers)
{
  answers->child = adze_worker_child (remote->worker);
  adze_worker_answer_with (remote->worker, adze_run_answer, answers);
}

static adze_error *
send_job (adze_remote *remote, const void *request, size_t size)
{
  ADZE_AUTO_VALUE message = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (message, "do", "job");
  adze_json_int (message, "bytes", (int64_t)size);
  if (adze_json_failed (message))
    return adze_error_memory ();
  remote->asked = true;
  remote->repeatable = 0;
  ADZE_TRY (adze_worker_send (remote->worker, message, remote->time_limit_ms));
  return adze_child_put (adze_worker_child (remote->worker), request, size);
}

adze_error *
adze_remote_job (adze_remote *remote, const void *request, size_t size)
{
  ADZE_TRY (adze_remote_check (remote));
  remote->asked = false;
  adze_error *error = send_job (remote, request, size);
  return error ? adze_remote_explain (remote, "job", error) : NULL;
}

static adze_error *
take_turn (adze_remote *remote, bool *done, void **answer, size_t *size)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  uint64_t number;
  ADZE_TRY (adze_worker_turn (remote->worker, &reply, done));
  if (!*done)
    return NULL;
  if (!adze_wire_number (adze_value_get (reply.root, "ok"), "bytes", SIZE_MAX - 1, &number))
    return adze_wire_damaged ("the answer to a job");
  *size = (size_t)number;
  *answer = malloc (*size + 1);
  ADZE_TRY (adze_child_take (adze_worker_child (remote->worker), *answer, *size));
  return *answer ? NULL : adze_error_memory ();
}

adze_error *
adze_remote_job_turn (adze_remote *remote, bool *done, void **answer, size_t *size)
{
  *answer = NULL;
  adze_error *error = take_turn (remote, done, answer, size);
  if (!error)
    return NULL;
  free (adze_take (answer));
  return adze_remote_explain (remote, "job", error);
}

void
adze_remote_abandon (adze_remote *remote)
{
  remote->broken = true;
}
