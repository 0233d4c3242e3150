/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: masks, in the network and in a checkpoint.
 *
 * A checkpoint has them as bits, with the number of the cut that made them. They are kept in two places in turn, in
 * front of the lesson's own checkpoint: whichever of these a killed run goes on from, its masks are there. */
#include "trim.h"

/* ---- In the network. */

/* No model calls a value so. */
#define TRIM_MASK "%%mask.%zu"

/* Whoever took WEIGHT takes it times MASK. */
static adze_status
put_between (const trim *t, adze_graph *graph, uint32_t weight, uint32_t mask)
{
  const adze_graph_service *graphs = t->lesson.graphs;
  /* For now of the mask alone, since its own input would be replaced with all others. */
  const uint32_t inputs[] = { mask, mask };
  uint32_t product = ADZE_NONE;
  adze_node_recipe recipe;
  memset (&recipe, 0, sizeof recipe);
  recipe.struct_size = sizeof recipe;
  recipe.op = "Mul";
  recipe.inputs = inputs;
  recipe.input_count = 2;
  recipe.output_count = 1;
  adze_status status = graphs->add_node (t->lesson.host, graph, &recipe, &product);
  if (status == ADZE_OK)
    status = graphs->replace (t->lesson.host, graph, weight, product);
  return status == ADZE_OK ? graphs->set_input (t->lesson.host, graph, graphs->value (graph, product)->node, 0,
                                                weight)
                           : status;
}

adze_status
trim_add_masks (trim *t, adze_graph *graph)
{
  const adze_graph_service *graphs = t->lesson.graphs;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < t->count; i++) {
    const trim_tensor *tensor = &t->tensors[i];
    uint32_t mask = ADZE_NONE;
    char name[40];
    snprintf (name, sizeof name, TRIM_MASK, i);
    status = graphs->add_input (t->lesson.host, graph, name, tensor->dtype, tensor->rank, tensor->shape, &mask);
    if (status == ADZE_OK)
      status = put_between (t, graph, graphs->find_value (graph, tensor->name), mask);
  }
  return status;
}

/* ---- As numbers. */

/* The bits of a 1. */
static uint64_t
one_of (adze_dtype dtype)
{
  return dtype.code == ADZE_BFLOAT ? UINT64_C (0x3f80)
         : dtype.bits == 16        ? UINT64_C (0x3c00)
         : dtype.bits == 32        ? UINT64_C (0x3f800000)
                                   : UINT64_C (0x3ff0000000000000);
}

void
trim_set_factors (trim_tensor *tensor)
{
  uint64_t one = one_of (tensor->dtype);
  size_t size = tensor->dtype.bits / 8u;
  char *at = (char *)tensor->factors;
  for (uint64_t i = 0; i < tensor->count; i++, at += size) {
    uint64_t bits = tensor->kept[i] ? one : 0;
    memcpy (at, &bits, size);
  }
}

/* What is gone is 0, and not the other zero. */
static adze_status
apply_mask (const trim *t, adze_graph *graph, const trim_tensor *tensor)
{
  const adze_host *host = t->lesson.host;
  size_t size = tensor->dtype.bits / 8u, all = (size_t)tensor->count * size;
  const void *numbers = trim_numbers (t, graph, tensor);
  if (!numbers)
    return ADZE_E_NOT_FOUND;
  char *masked = (char *)host->allocate (host, all + 1);
  if (!masked)
    return trim_no_room (t, tensor);
  memcpy (masked, numbers, all);
  for (uint64_t i = 0; i < tensor->count; i++)
    if (!tensor->kept[i])
      memset (masked + i * size, 0, size);
  uint32_t value = t->lesson.graphs->find_value (graph, tensor->name);
  adze_status status = t->lesson.graphs->set_data (host, graph, value, masked, all);
  host->release (host, masked);
  return status;
}

adze_status
trim_apply_masks (const trim *t, adze_graph *graph)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < t->count; i++)
    if (t->tensors[i].gone > 0)
      status = apply_mask (t, graph, &t->tensors[i]);
  return status;
}

static const uint8_t *
zeros_of (const adze_lesson *lesson, const char *name)
{
  for (size_t i = 0; i < lesson->rule_count; i++)
    if (strcmp (lesson->rules[i].name, name) == 0)
      return lesson->rules[i].mask;
  return NULL;
}

static void
recount (trim_tensor *tensor)
{
  tensor->gone = 0;
  for (uint64_t i = 0; i < tensor->count; i++)
    tensor->gone += !tensor->kept[i];
}

void
trim_take_zeros (trim *t)
{
  for (size_t i = 0; i < t->count; i++) {
    trim_tensor *tensor = &t->tensors[i];
    const uint8_t *mask = zeros_of (&t->lesson, tensor->name);
    if (!mask)
      continue;
    memcpy (tensor->kept, mask, (size_t)tensor->count);
    recount (tensor);
    trim_set_factors (tensor);
  }
}

/* ---- Kept for a run that goes on. */

#define TRIM_MARK "trim.1\0"

typedef struct trim_head {
  char mark[8];
  uint64_t done;
  uint64_t weights;
} trim_head;

static const char *
place_name (uint32_t place)
{
  return place ? "masks.1" : "masks.0";
}

static size_t
kept_size (const trim *t)
{
  return sizeof (trim_head) + (size_t)(t->weights + 7) / 8;
}

adze_status
trim_save_masks (trim *t)
{
  const adze_host *host = t->lesson.host;
  trim_head head = { TRIM_MARK, t->done, t->weights };
  uint64_t at = 0;
  char *bytes = (char *)host->allocate (host, kept_size (t));
  if (!bytes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the masks of %llu weights", (unsigned long long)t->weights);
  memset (bytes, 0, kept_size (t));
  memcpy (bytes, &head, sizeof head);
  for (size_t i = 0; i < t->count; i++)
    for (uint64_t k = 0; k < t->tensors[i].count; k++, at++)
      bytes[sizeof head + at / 8] = (char)(bytes[sizeof head + at / 8] | t->tensors[i].kept[k] << (at % 8));
  t->place = !t->place;
  adze_status status
      = t->lesson.run->save (host, t->lesson.context, place_name (t->place), bytes, kept_size (t));
  host->release (host, bytes);
  return status;
}

/* False: there are none of this network. */
static bool
read_head (const trim *t, const void *data, size_t size, trim_head *head)
{
  if (size != kept_size (t))
    return false;
  memcpy (head, data, sizeof *head);
  return memcmp (head->mark, TRIM_MARK, sizeof head->mark) == 0 && head->weights == t->weights;
}

static void
read_masks (trim *t, const void *data)
{
  const uint8_t *bits = (const uint8_t *)data + sizeof (trim_head);
  uint64_t at = 0;
  for (size_t i = 0; i < t->count; i++) {
    for (uint64_t k = 0; k < t->tensors[i].count; k++, at++)
      t->tensors[i].kept[k] = bits[at / 8] >> (at % 8) & 1;
    recount (&t->tensors[i]);
    trim_set_factors (&t->tensors[i]);
  }
}

adze_status
trim_load_masks (trim *t, uint64_t due)
{
  const adze_lesson *lesson = &t->lesson;
  for (uint32_t place = 0; place < 2; place++) {
    const void *data = NULL;
    size_t size = 0;
    trim_head head;
    adze_status status = lesson->run->load (lesson->host, lesson->context, place_name (place), &data, &size);
    if (status != ADZE_OK)
      return status;
    if (!read_head (t, data, size, &head) || head.done > due || head.done <= t->done)
      continue;
    read_masks (t, data);
    trim_recall_channels (t);
    t->done = head.done;
    t->place = place;
  }
  return ADZE_OK;
}
