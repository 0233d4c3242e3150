/* SPDX-License-Identifier: Apache-2.0 */
/* qat: weights that have few values and are to keep as few. What learns is the list of the values; the weight is looked
 * up in it, so that what was one value stays one, and what was zero stays zero where the list's zero does. */
#include "qat.h"

#include <stdlib.h>

enum { VALUES_MAX = 256 };

static int
compare (const void *left, const void *right)
{
  float a = *(const float *)left, b = *(const float *)right;
  return (a > b) - (a < b);
}

adze_status
qat_keeps_values (const qat *q, const char *weight, bool *keeps)
{
  const adze_params_service *service = adze_params_of (q->host);
  const adze_params *list = service->get_nested (q->params, "keep-values");
  adze_status status = ADZE_OK;
  *keeps = false;
  for (size_t i = 0; status == ADZE_OK && !*keeps && i < service->count (list); i++)
    status = adze_match (q->host, service->get_string (list, service->name_at (list, i)), weight, keeps);
  return status;
}

/* Different ones of COUNT in order, at most one more than there may be. */
static size_t
list_values (const float *numbers, size_t count, float *values)
{
  size_t known = 0;
  for (size_t i = 0; i < count && known <= VALUES_MAX; i++) {
    /* 0 has two signs and is one value. */
    float number = numbers[i] == 0 ? 0 : numbers[i];
    if (known > 0 && bsearch (&number, values, known, sizeof *values, compare))
      continue;
    values[known++] = number;
    qsort (values, known, sizeof *values, compare);
  }
  return known;
}

adze_status
qat_make_book (const qat *q, qat_item *item, const float *numbers)
{
  size_t count = qat_elements (item);
  item->values = (float *)q->host->allocate (q->host, (VALUES_MAX + 1) * sizeof *item->values);
  item->places = (int32_t *)q->host->allocate (q->host, (count + 1) * sizeof *item->places);
  if (!item->values || !item->places)
    return adze_fail (q->host, ADZE_E_MEMORY, "no room for the values of '%s'", item->name);
  item->value_count = list_values (numbers, count, item->values);
  if (item->value_count > VALUES_MAX)
    return adze_fail (q->host, ADZE_E_PARAM,
                      "parameter 'keep-values' has the weight '%s', which has more than %d different values; needed is "
                      "one that was given few before, as cluster does",
                      item->name, VALUES_MAX);
  for (size_t i = 0; i < count; i++) {
    const float *at = (const float *)bsearch (&numbers[i], item->values, item->value_count, sizeof *item->values, compare);
    item->places[i] = (int32_t)(at - item->values);
  }
  snprintf (item->book_name, sizeof item->book_name, "%s.%%values", item->name);
  return ADZE_OK;
}

adze_status
qat_check_kept (const qat *q)
{
  const adze_params_service *service = adze_params_of (q->host);
  const adze_params *list = service->get_nested (q->params, "keep-values");
  for (size_t i = 0; i < service->count (list); i++) {
    const char *pattern = service->get_string (list, service->name_at (list, i));
    bool met = false;
    adze_status status = ADZE_OK;
    for (size_t k = 0; status == ADZE_OK && !met && k < q->count && q->items[k].weight; k++)
      status = adze_match (q->host, pattern, q->items[k].name, &met);
    if (status != ADZE_OK)
      return status;
    if (!met)
      return adze_fail (q->host, ADZE_E_NOT_FOUND, "parameter 'keep-values': \"%s\" is none of the weights that are rounded",
                        pattern);
  }
  return ADZE_OK;
}

/* What is said of the weight is said of its list: what does not change, and where a zero stays. */
adze_status
qat_book_rule (const qat *q, const adze_lesson *lesson, const qat_item *item, adze_train_weight_rule *rule)
{
  const adze_train_weight_rule *of = NULL;
  for (size_t i = 0; i < lesson->rule_count; i++)
    if (strcmp (lesson->rules[i].name, item->name) == 0)
      of = &lesson->rules[i];
  if (!of)
    return ADZE_OK;
  rule->frozen |= of->frozen;
  rule->no_decay |= of->no_decay;
  if (!of->mask)
    return ADZE_OK;
  uint8_t *mask = (uint8_t *)q->host->allocate (q->host, item->value_count + 1);
  rule->mask = mask;
  if (!mask)
    return adze_fail (q->host, ADZE_E_MEMORY, "no room for the zeros of '%s'", item->name);
  for (size_t i = 0; i < item->value_count; i++)
    mask[i] = item->values[i] != 0;
  return ADZE_OK;
}
