/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: where it is, what all layers have by now, and what the one that learns knows beside that.
 *
 * Two names are written in turn. One that is being replaced when the process is killed is no note any more, and the
 * other is taken. */
#include <string.h>

#include "hebbian.h"

typedef struct head {
  char mark[8];
  uint64_t serial; /* from 1 */
  uint64_t layer, epoch, number; /* the next batch */
  uint64_t state;  /* float64 of the layer that learns */
  uint64_t size;   /* of all */
} head;

static const char mark[8] = { 'h', 'e', 'b', 'b', '.', '1', '\n', '\0' };
static const char *const places[] = { "hebbian.0", "hebbian.1" };

/* ---- Saved. */

static adze_status
add_layers (const hebbian_run *h, adze_bytes *bytes)
{
  adze_status status = ADZE_OK;
  for (size_t l = 0; status == ADZE_OK && l < h->layer_count; l++) {
    const hebbian_layer *layer = &h->layers[l];
    size_t count = layer->units * layer->inputs;
    status = adze_bytes_add (h->host, bytes, layer->w, count * sizeof *layer->w);
    if (status == ADZE_OK)
      status = adze_bytes_add (h->host, bytes, layer->b, layer->units * sizeof *layer->b);
    if (status == ADZE_OK && layer->important)
      status = adze_bytes_add (h->host, bytes, layer->important, count * sizeof *layer->important);
    if (status == ADZE_OK)
      status = adze_bytes_add (h->host, bytes, &layer->activity, sizeof layer->activity);
  }
  return status;
}

adze_status
hebbian_save (hebbian_run *h)
{
  adze_bytes bytes = { 0 };
  head at = { .serial = h->saves + 1, .layer = h->at, .epoch = h->epoch, .number = h->number, .state = h->state.count };
  memcpy (at.mark, mark, sizeof mark);
  adze_status status = adze_bytes_add (h->host, &bytes, &at, sizeof at);
  if (status == ADZE_OK)
    status = add_layers (h, &bytes);
  if (status == ADZE_OK && h->state.count > 0)
    status = adze_bytes_add (h->host, &bytes, h->state.all, h->state.count * sizeof *h->state.all);
  if (status == ADZE_OK) {
    at.size = bytes.size;
    memcpy (bytes.data, &at, sizeof at);
    status = h->run->save (h->host, h->context, places[at.serial % 2], bytes.data, bytes.size);
  }
  adze_bytes_release (h->host, &bytes);
  if (status == ADZE_OK)
    h->saves++;
  return status;
}

/* ---- Found again. */

/* False: there is none that is whole. */
static bool
take_head (const void *data, size_t size, head *at)
{
  if (size < sizeof *at || memcmp (data, mark, sizeof mark) != 0)
    return false;
  memcpy (at, data, sizeof *at);
  return at->size == size;
}

static const char *
take (const char *from, double *into, size_t count)
{
  memcpy (into, from, count * sizeof *into);
  return from + count * sizeof *into;
}

/* How many float64 lie behind the head, in front of the state. */
static size_t
layers_hold (const hebbian_run *h)
{
  size_t count = 0;
  for (size_t l = 0; l < h->layer_count; l++) {
    const hebbian_layer *layer = &h->layers[l];
    count += layer->units * layer->inputs * (layer->important ? 2 : 1) + layer->units + 1;
  }
  return count;
}

static adze_status
take_layers (hebbian_run *h, const char *from, const head *at, double **state)
{
  for (size_t l = 0; l < h->layer_count; l++) {
    hebbian_layer *layer = &h->layers[l];
    size_t count = layer->units * layer->inputs;
    from = take (from, layer->w, count);
    from = take (from, layer->b, layer->units);
    if (layer->important)
      from = take (from, layer->important, count);
    from = take (from, &layer->activity, 1);
  }
  *state = (double *)h->host->allocate (h->host, (size_t)(at->state + 1) * sizeof **state);
  if (!*state)
    return adze_fail (h->host, ADZE_E_MEMORY, "no room for what the checkpoint has");
  take (from, *state, (size_t)at->state);
  return ADZE_OK;
}

adze_status
hebbian_load (hebbian_run *h, double **state, size_t *count)
{
  const void *data = NULL;
  size_t size = 0;
  head found = { .serial = 0 }, at;
  for (size_t i = 0; i < 2; i++) {
    adze_status status = h->run->load (h->host, h->context, places[i], &data, &size);
    if (status != ADZE_OK)
      return status;
    if (take_head (data, size, &at) && at.serial > found.serial)
      found = at;
  }
  *state = NULL;
  if (found.serial == 0)
    return ADZE_OK;
  adze_status status = h->run->load (h->host, h->context, places[found.serial % 2], &data, &size);
  if (status != ADZE_OK)
    return status;
  if (found.layer > h->layer_count || size != sizeof found + (layers_hold (h) + (size_t)found.state) * sizeof (double))
    return adze_fail (h->host, ADZE_E_FORMAT, "the checkpoint is of other layers; --fresh begins anew");
  status = take_layers (h, (const char *)data + sizeof found, &found, state);
  h->saves = found.serial;
  h->at = (size_t)found.layer;
  h->epoch = found.epoch;
  h->number = found.number;
  *count = (size_t)found.state;
  adze_log (h->host, ADZE_LOG_INFO, "goes on from the checkpoint of layer %zu of %zu, epoch %llu, batch %llu",
            h->at + 1, h->layer_count, (unsigned long long)h->epoch + 1, (unsigned long long)h->number + 1);
  return status;
}
