/* SPDX-License-Identifier: Apache-2.0 */
/* prune-magnitude: what is told of what was decided. */
#include "prune.h"

#include <stdio.h>

static adze_field
number (const char *key, uint64_t value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)value } };
}

/* Of weights or blocks as large as the threshold those before a place have gone. */
static adze_status
tell_tensor (const adze_host *host, const prune_tensor *tensor)
{
  adze_field fields[8];
  uint32_t count = 0;
  char pattern[48];
  uint64_t place = tensor->cut & (PRUNE_PLACES - 1);
  prune_pattern_text (&tensor->pattern, pattern, sizeof pattern);
  if (tensor->pattern.shape != PRUNE_OF_M)
    fields[count++]
        = (adze_field){ .key = "threshold",
                        .type = ADZE_FIELD_FLOAT,
                        .value = { .real = (double)adze_float_of_bits (prune_key_size (tensor->cut)) } };
  if (tensor->pattern.shape != PRUNE_OF_M && place > 0)
    fields[count++] = number ("equal-pruned-before", place < tensor->places ? place : tensor->places);
  fields[count++] = (adze_field){
    .key = "pattern", .type = ADZE_FIELD_STRING, .value = { .string = pattern }
  };
  fields[count++]
      = number (tensor->pattern.shape == PRUNE_BLOCKS ? "blocks" : "weights", tensor->counted);
  fields[count++] = number ("pruned", tensor->pruned);
  fields[count++] = number ("kept", tensor->counted - tensor->pruned);
  if (tensor->zeros > 0)
    fields[count++] = number ("zero-before", tensor->zeros);
  if (tensor->masked)
    fields[count++] = number ("protected", tensor->held);
  return adze_decided (host, tensor->name, fields, count);
}

/* Nothing is left of them, which was asked for as a whole and perhaps not of them. */
static void
warn_of_empty (const adze_host *host, const prune *self)
{
  const char *first = NULL;
  size_t count = 0;
  for (size_t i = 0; i < self->tensors.count; i++) {
    const prune_tensor *tensor = prune_tensor_at (self, i);
    if (tensor->counted == 0 || tensor->pruned < tensor->counted)
      continue;
    first = first ? first : tensor->name;
    count++;
  }
  if (count > 0)
    adze_log (host, ADZE_LOG_WARNING,
              "nothing is left of %zu tensor%s, '%s' being the first; min-kept says how much of each "
              "must stay",
              count, count == 1 ? "" : "s", first);
}

/* Each tensor may be off by a half. */
static void
warn_of_shortage (const adze_host *host, const prune *self, double asked, uint64_t zeros)
{
  double missing = asked - (double)zeros;
  if (missing > 0.5 + 0.5 * (double)self->tensors.count)
    adze_log (host, ADZE_LOG_WARNING,
              "%.0f %s were to be zero, and %llu are: 'min-kept'%s leaves no more to go", asked,
              self->blocks ? "blocks" : "weights", (unsigned long long)zeros,
              self->masked ? ", or what is protected," : "");
}

static adze_status
tell_all (const adze_host *host, const prune *self)
{
  uint64_t counted = 0, pruned = 0, zeros = 0, before = 0, held = 0;
  double asked = 0;
  for (size_t i = 0; i < self->tensors.count; i++) {
    const prune_tensor *tensor = prune_tensor_at (self, i);
    counted += tensor->counted;
    pruned += tensor->pruned;
    zeros += tensor->zeros > tensor->pruned ? tensor->zeros : tensor->pruned;
    before += tensor->zeros;
    held += tensor->held;
    asked += tensor->asked;
  }
  double all = counted > 0 ? (double)counted : 1;
  adze_status status = adze_metric (host, "pruned", (double)pruned, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "counted", (double)counted, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "zero-before", (double)before, NULL);
  if (status == ADZE_OK && self->masked)
    status = adze_metric (host, "protected", (double)held, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "sparsity", (double)zeros / all, NULL);
  if (status == ADZE_OK && counted > 0)
    status = adze_achieved (host, "sparsity", asked / all, (double)zeros / all);
  warn_of_shortage (host, self, asked, zeros);
  return status;
}

adze_status
prune_report (const adze_host *host, const prune *self)
{
  adze_status status = tell_all (host, self);
  for (size_t i = 0; status == ADZE_OK && i < self->tensors.count; i++)
    status = tell_tensor (host, prune_tensor_at (self, i));
  if (status == ADZE_OK)
    warn_of_empty (host, self);
  return status;
}
