/* SPDX-License-Identifier: Apache-2.0 */
/* graph/to_model.c: the part of a model that says how it is computed with, made by the format whose
 * networks are like ours. */
#include "graph/to_model.h"

#include <string.h>

#include "artifact/session.h"
#include "graph/from_model.h"

/* Ours are networks of ONNX; any format that is asked for them reads that part. */
#define NETWORK_FORMAT "onnx"

static adze_error *
copy_part (const char *id, const void *bytes, size_t size, char **own_id, void **own)
{
  *own_id = strdup (id);
  *own = malloc (size + 1);
  if (!*own_id || !*own) {
    free (adze_take (own_id));
    free (adze_take (own));
    return adze_error_memory ();
  }
  memcpy (*own, bytes, size);
  return NULL;
}

static adze_error *
ask (adze_format_session *session, const adze_graph *graph, char **id, void **bytes, size_t *size)
{
  const adze_host *host = adze_desk_table (session->desk);
  const char *made_id = NULL;
  void *made = NULL;
  *size = 0;
  adze_session_enter (session);
  adze_status status
      = session->callbacks.part (host, session->params, graph, &made_id, &made, size);
  adze_error *error = adze_session_leave (session, "part", status);
  if (!error && (!made_id || !made))
    error = adze_error_new (ADZE_E_CONTRACT, "the format '%s' made no part of graph '%s'",
                            session->component->id, adze_graph_name (graph));
  if (!error)
    error = copy_part (made_id, made, *size, id, bytes);
  if (made) {
    adze_session_enter (session);
    host->release (host, made);
    adze_error_free (adze_session_leave (session, "part", ADZE_OK));
  }
  return error;
}

adze_error *
adze_graph_make_part (adze_runtime *runtime, const adze_graph *graph, char **id, void **bytes,
                      size_t *size)
{
  adze_format_session session;
  *id = NULL;
  *bytes = NULL;
  ADZE_LOCKED (runtime);
  adze_error *error = adze_session_open_with (runtime, NETWORK_FORMAT, NULL, adze_graph_services,
                                              &session);
  if (error)
    return adze_error_wrap (error, "a network cannot be given without the format '%s'",
                            NETWORK_FORMAT);
  error = session.callbacks.part ? ask (&session, graph, id, bytes, size)
                                 : adze_error_new (ADZE_E_UNSUPPORTED,
                                                   "the format '%s' that is installed cannot say "
                                                   "how a network is computed with",
                                                   NETWORK_FORMAT);
  adze_session_close (&session);
  return error;
}
