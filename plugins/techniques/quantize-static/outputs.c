/* SPDX-License-Identifier: Apache-2.0 */
/* What layers give with codes beside what they gave: sums of what flows into them are made, weights are rounded by them,
 * and errors are told of data that played no part in that. Layers are seen to by as many at a time as there is room for. */
#include <string.h>

#include "gram.h"

enum { MOST_BYTES = 1 << 29 };

/* ---- The sums of some layers. */

typedef struct part {
  size_t first, last; /* layers */
  gram *grams;
} part;

static adze_status
look (static_run *s, void *argument, const adze_view *const *views)
{
  part *p = (part *)argument;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < p->last - p->first; i++)
    status = gram_add (s, &p->grams[i], views[i]);
  return status;
}

static adze_status
sum_up (static_run *s, adze_artifact *data, uint64_t samples, part *p)
{
  size_t count = p->last - p->first;
  uint32_t *values = (uint32_t *)s->host->allocate (s->host, count * sizeof *values);
  static_sweep sweep = { .graph = s->graph, .data = data, .samples = samples, .values = values, .count = count,
                         .look = look, .argument = p };
  adze_status status = values ? ADZE_OK : adze_fail (s->host, ADZE_E_MEMORY, "no room for %zu values", count);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    values[i] = s->layers[p->first + i].input;
    status = gram_open (s, &s->layers[p->first + i], &p->grams[i]);
  }
  if (status == ADZE_OK)
    status = static_sweep_data (s, &sweep);
  if (data == s->data)
    s->examples = sweep.examples;
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    gram_finish (&p->grams[i]);
  s->host->release (s->host, values);
  return status;
}

static void
close_part (const static_run *s, part *p)
{
  for (size_t i = 0; p->grams && i < p->last - p->first; i++)
    gram_close (s, &p->grams[i]);
  s->host->release (s->host, p->grams);
}

/* Shares of the squares of what the layer gives: with the nearest codes, and with those that it has now. */
static adze_status
measure (static_run *s, const gram *g, static_layer *layer)
{
  double power = 0, nearest = 0, now = 0;
  adze_status status = gram_error (s, g, NULL, &power);
  if (status == ADZE_OK)
    status = gram_error (s, g, layer->nearest, &nearest);
  if (status == ADZE_OK)
    status = gram_error (s, g, layer->codes, &now);
  /* Of what is no number nothing is known, and of nothing nothing is lost. */
  layer->error_nearest = power == 0 ? 0 : nearest / power;
  layer->error = power == 0 ? 0 : now / power;
  return status;
}

/* ---- Checkpoints: codes are all that took long, and errors that were told of the sums. */

static size_t
kept_size (const static_run *s, const part *p)
{
  size_t size = sizeof s->examples;
  for (size_t i = p->first; i < p->last; i++)
    size += 2 * sizeof (double) + sizeof s->layers[i].fell_back + s->layers[i].channels * s->layers[i].fan;
  return size;
}

/* Between a layer and the room at AT, one way or the other; where the next layer's begins. */
static char *
move_layer (static_layer *layer, char *at, bool out)
{
  struct {
    void *at;
    size_t size;
  } all[] = { { &layer->error, sizeof (double) },
              { &layer->error_nearest, sizeof (double) },
              { &layer->fell_back, sizeof layer->fell_back },
              { layer->codes, layer->channels * layer->fan } };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    memcpy (out ? at : (char *)all[i].at, out ? (const char *)all[i].at : at, all[i].size);
    at += all[i].size;
  }
  return at;
}

static void
name_part (const part *p, char *name, size_t size)
{
  snprintf (name, size, "codes-%zu", p->first);
}

static adze_status
keep_part (const static_run *s, const part *p)
{
  char name[32];
  size_t size = kept_size (s, p);
  char *room = (char *)s->host->allocate (s->host, size), *at = room;
  if (!room)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for a checkpoint of %zu bytes", size);
  memcpy (at, &s->examples, sizeof s->examples);
  at += sizeof s->examples;
  for (size_t i = p->first; i < p->last; i++)
    at = move_layer (&s->layers[i], at, true);
  name_part (p, name, sizeof name);
  adze_status status = s->run->save (s->host, s->context, name, room, size);
  s->host->release (s->host, room);
  return status;
}

static adze_status
find_part (static_run *s, const part *p, bool *found)
{
  char name[32];
  const void *data = NULL;
  size_t size = 0;
  name_part (p, name, sizeof name);
  adze_status status = s->run->load (s->host, s->context, name, &data, &size);
  *found = status == ADZE_OK && size > 0 && size == kept_size (s, p);
  char *at = (char *)(uintptr_t)data;
  if (*found) {
    memcpy (&s->examples, at, sizeof s->examples);
    at += sizeof s->examples;
  }
  for (size_t i = p->first; *found && i < p->last; i++)
    at = move_layer (&s->layers[i], at, false);
  if (*found)
    adze_log (s->host, ADZE_LOG_INFO, "goes on behind the layer '%s', whose codes are there", s->layers[p->last - 1].name);
  return status;
}

/* ---- Layer by layer. */

/* What is done to a layer with the sums of some data; KEEPS: its codes change, and are kept. */
typedef struct task {
  adze_artifact *data;
  uint64_t samples;
  bool keeps;
  adze_status (*work) (static_run *s, const gram *g, static_layer *layer);
} task;

static adze_status
do_part (static_run *s, const task *t, part *p)
{
  bool found = false;
  adze_status status = t->keeps ? find_part (s, p, &found) : ADZE_OK;
  if (status != ADZE_OK || found)
    return status;
  p->grams = (gram *)s->host->allocate (s->host, (p->last - p->first) * sizeof *p->grams);
  if (!p->grams)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for %zu layers", p->last - p->first);
  status = sum_up (s, t->data, t->samples, p);
  for (size_t i = 0; status == ADZE_OK && i < p->last - p->first; i++)
    status = t->work (s, &p->grams[i], &s->layers[p->first + i]);
  close_part (s, p);
  return status == ADZE_OK && t->keeps ? keep_part (s, p) : status;
}

static adze_status
for_each_part (static_run *s, const task *t)
{
  adze_status status = ADZE_OK;
  for (size_t first = 0, last; status == ADZE_OK && first < s->layer_count; first = last) {
    size_t bytes = 0;
    for (last = first; last < s->layer_count && (last == first || bytes + gram_bytes (&s->layers[last]) <= MOST_BYTES);)
      bytes += gram_bytes (&s->layers[last++]);
    part p = { .first = first, .last = last };
    status = do_part (s, t, &p);
  }
  return status;
}

/* ---- Rounding. */

static adze_status
round_layer (static_run *s, const gram *g, static_layer *layer)
{
  adze_status status = s->set.gptq ? static_gptq_layer (s, g, layer) : static_round_layer (s, g, layer->codes);
  return status == ADZE_OK && !s->held_out ? measure (s, g, layer) : status;
}

static adze_status
keep_nearest (static_run *s)
{
  for (size_t i = 0; i < s->layer_count; i++) {
    static_layer *layer = &s->layers[i];
    layer->nearest = (int8_t *)s->host->allocate (s->host, layer->channels * layer->fan);
    if (!layer->nearest)
      return adze_fail (s->host, ADZE_E_MEMORY, "no room for the codes of '%s'", layer->name);
    memcpy (layer->nearest, layer->codes, layer->channels * layer->fan);
  }
  return ADZE_OK;
}

adze_status
static_round (static_run *s)
{
  adze_status status = ADZE_OK;
  bool rounds = s->set.adaround || s->set.gptq;
  if (!rounds && !s->held_out)
    return ADZE_OK;
  status = keep_nearest (s);
  if (status == ADZE_OK && rounds)
    status = for_each_part (s, &(task){ s->data, s->set.samples, true, round_layer });
  if (status == ADZE_OK && s->held_out)
    status = for_each_part (s, &(task){ s->held_out, 0, false, measure });
  s->measured = status == ADZE_OK;
  return status;
}
