/* SPDX-License-Identifier: Apache-2.0 */
/* qat: steps that follow what is seen of the numbers that they are for. While they do, each is as much larger than at
 * first as the mean of the sizes is: so it keeps what made it suit at first, be that least squares or a share. Of weights
 * the mean is the one that they have now, of what flows a moving one over batches. */
#include "qat.h"

#include <math.h>

/* How much of what flows in one batch counts. */
static const float share = .05f;

static uint32_t
add (adze_nodes *b, const char *op, uint32_t input, const adze_graph_attribute *attributes, size_t count)
{
  const adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = op, .inputs = &input, .input_count = 1,
                                    .output_count = 1, .attributes = attributes, .attribute_count = count };
  uint32_t made = ADZE_NONE;
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_node (b->host, b->graph, &recipe, &made);
  return made;
}

/* Of the shape of the steps. */
static uint32_t
mean_size (adze_nodes *b, const qat_item *item)
{
  int64_t axes[ADZE_GRAPH_RANK], keeps = item->axis >= 0;
  size_t count = 0;
  for (int32_t i = 0; item->axis >= 0 && i < item->rank; i++)
    if (i != item->axis)
      axes[count++] = i;
  adze_graph_attribute attributes[] = { adze_nodes_int ("keepdims", &keeps), adze_nodes_int ("axes", axes) };
  attributes[1].type = ADZE_ATTRIBUTE_INTS;
  attributes[1].count = count;
  return add (b, "ReduceMean", add (b, "Abs", item->value, NULL, 0), attributes, count > 0 ? 2 : 1);
}

/* One is as many times the first as it says; none is so small that nothing is left of it. */
static uint32_t
moved (adze_nodes *b, const qat_item *item, uint32_t seen, uint32_t firsts)
{
  const float least = 1e-6f;
  uint32_t now = adze_nodes_pair (b, "Div", mean_size (b, item), firsts);
  if (!item->weight) {
    uint32_t off = adze_nodes_pair (b, "Sub", now, seen);
    now = adze_nodes_pair (b, "Add", seen, adze_nodes_pair (b, "Mul", off, qat_number (b, share)));
  }
  return adze_nodes_pair (b, "Max", now, qat_number (b, least));
}

uint32_t
qat_observed (const qat *q, adze_nodes *b, qat_item *item, int32_t rank, const int64_t *shape, bool learns)
{
  uint32_t seen = ADZE_NONE;
  if (b->status != ADZE_OK)
    return seen;
  float *ones = (float *)b->host->allocate (b->host, item->channels * sizeof *ones);
  if (!ones) {
    b->status = adze_fail (b->host, ADZE_E_MEMORY, "no room for the steps of '%s'", item->name);
    return seen;
  }
  for (size_t i = 0; i < item->channels; i++)
    ones[i] = 1;
  b->status = b->graphs->add_weight (b->host, b->graph, item->seen_name, (adze_dtype){ ADZE_FLOAT, 32, 1 }, rank, shape,
                                     &seen);
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_data (b->host, b->graph, seen, ones, item->channels * sizeof *ones);
  b->host->release (b->host, ones);
  if (!learns || b->status != ADZE_OK)
    return seen;
  uint32_t next = qat_choose (b, &q->switches[QAT_OBSERVES],
                              moved (b, item, seen, qat_constant (b, item->sizes, rank, shape)), seen);
  if (b->status == ADZE_OK)
    item->seen_next = q->graphs->value (b->graph, next)->name;
  return seen;
}

/* Of weights; of what flows it is told with its range. */
void
qat_weigh (qat_item *item, const float *numbers)
{
  size_t count = qat_elements (item), inner = 1;
  for (int32_t i = item->axis + 1; item->axis >= 0 && i < item->rank; i++)
    inner *= (size_t)item->shape[i];
  for (size_t c = 0; c < item->channels; c++) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
      sum += item->axis < 0 || i / inner % item->channels == c ? fabs ((double)numbers[i]) : 0;
    item->sizes[c] = sum > 0 ? (float)(sum * (double)item->channels / (double)count) : 1;
  }
}
