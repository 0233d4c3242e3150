/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c: what was found out of each candidate, saved as soon as it is known. A run that goes on searches from the
 * beginning, and takes what it would have to train from here; so it asks for the same candidates, and ends the same. */
#include <stdio.h>
#include <string.h>

#include "trained.h"

/* ---- In memory. */

const nas_result *
nas_find_result (const nas_trained *t, const uint8_t genes[NAS_GENES])
{
  for (size_t i = 0; i < t->result_count; i++)
    if (memcmp (t->results[i].point.genes, genes, NAS_GENES) == 0)
      return &t->results[i];
  return NULL;
}

adze_status
nas_add_result (nas_trained *t, const nas_result *result)
{
  const adze_host *host = t->n->host;
  if (t->result_count == t->result_room) {
    size_t room = t->result_room ? t->result_room * 2 : 64;
    nas_result *grown = (nas_result *)host->allocate (host, room * sizeof *grown);
    if (!grown)
      return adze_fail (host, ADZE_E_MEMORY, "no room for what is known of %zu candidates", room);
    if (t->result_count > 0)
      memcpy (grown, t->results, t->result_count * sizeof *grown);
    host->release (host, t->results);
    t->results = grown;
    t->result_room = room;
  }
  t->results[t->result_count++] = *result;
  return ADZE_OK;
}

/* ---- Saved. */

static const char *
name_of (const char *what, size_t index, char name[32])
{
  snprintf (name, 32, "%s.%zu", what, index);
  return name;
}

adze_status
nas_keep (nas_trained *t, size_t number, const nas_result *result)
{
  char name[32];
  return t->n->run->save (t->n->host, t->n->context, name_of ("candidate", number, name), result, sizeof *result);
}

/* Candidates end in any order, so that the one in front of it may be missing. */
adze_status
nas_find_kept (nas_trained *t, size_t number, const uint8_t genes[NAS_GENES], nas_result *result, bool *found)
{
  const void *data = NULL;
  size_t size = 0;
  char name[32];
  adze_status status
      = t->n->run->load (t->n->host, t->n->context, name_of ("candidate", number, name), &data, &size);
  *found = status == ADZE_OK && size == sizeof *result;
  if (*found)
    memcpy (result, data, sizeof *result);
  *found = *found && memcmp (result->point.genes, genes, NAS_GENES) == 0;
  t->kept += *found;
  return status;
}

void
nas_tell_kept (nas_trained *t)
{
  if (t->kept > 0 && !t->told)
    adze_log (t->n->host, ADZE_LOG_INFO, "goes on with what is known of %zu candidates", t->kept);
  t->told = true;
}

/* The accuracy, and then the weights. */
adze_status
nas_keep_final (nas_trained *t, size_t index, const nas_final *final)
{
  const adze_host *host = t->n->host;
  char name[32];
  adze_bytes bytes = { 0 };
  adze_status status = adze_bytes_add (host, &bytes, (const char *)&final->accuracy, sizeof final->accuracy);
  if (status == ADZE_OK)
    status = adze_bytes_add (host, &bytes, final->weights.data, final->weights.size);
  if (status == ADZE_OK)
    status = t->n->run->save (host, t->n->context, name_of ("final", index, name), bytes.data, bytes.size);
  adze_bytes_release (host, &bytes);
  return status;
}

adze_status
nas_find_final (nas_trained *t, size_t index, nas_final *final, bool *found)
{
  const void *data = NULL;
  size_t size = 0;
  char name[32];
  adze_status status
      = t->n->run->load (t->n->host, t->n->context, name_of ("final", index, name), &data, &size);
  *found = status == ADZE_OK && size >= sizeof final->accuracy;
  if (!*found)
    return status;
  memcpy (&final->accuracy, data, sizeof final->accuracy);
  return adze_bytes_add (t->n->host, &final->weights, (const char *)data + sizeof final->accuracy,
                         size - sizeof final->accuracy);
}
