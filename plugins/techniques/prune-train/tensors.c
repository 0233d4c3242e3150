/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: which weights take part. */
#include "trim.h"

#include <adze/draft/match.h>
#include <math.h>

/* ---- Patterns. */

static bool
is_listed (const trim *t, const char *param, const char *name)
{
  const adze_params_service *service = adze_params_of (t->lesson.host);
  const adze_params *list = service->get_nested (t->lesson.params, param);
  for (size_t i = 0; i < service->count (list); i++) {
    bool matches = false;
    if (adze_match (t->lesson.host, service->get_string (list, service->name_at (list, i)), name, &matches) == ADZE_OK
        && matches)
      return true;
  }
  return false;
}

/* A pattern that means no weight is mostly misspelt. */
static adze_status
check_patterns (const trim *t, const char *param)
{
  const adze_lesson *lesson = &t->lesson;
  const adze_params_service *service = adze_params_of (lesson->host);
  const adze_params *list = service->get_nested (lesson->params, param);
  for (size_t i = 0; i < service->count (list); i++) {
    const char *pattern = service->get_string (list, service->name_at (list, i));
    size_t met = 0;
    for (uint32_t v = 0; v < lesson->graphs->value_count (lesson->learner); v++) {
      bool matches = false;
      adze_status status = adze_match (lesson->host, pattern, lesson->graphs->value (lesson->learner, v)->name, &matches);
      if (status != ADZE_OK)
        return adze_fail (lesson->host, status, "parameter '%s' has the pattern '%s'", param, pattern);
      met += adze_lesson_is_weight (lesson, v) && matches;
    }
    if (met == 0)
      return adze_lesson_no_weight (lesson, param, pattern);
  }
  return ADZE_OK;
}

/* ---- Ends. */

static bool
takes (const adze_graph_node *node, uint32_t value)
{
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] == value)
      return true;
  return false;
}

/* The place in the order of execution of whoever takes it first. */
static size_t
place_of (const trim *t, const trim_tensor *tensor)
{
  const adze_graph_service *graphs = t->lesson.graphs;
  uint32_t value = graphs->find_value (t->lesson.learner, tensor->name);
  size_t count = 0;
  const uint32_t *order = graphs->order (t->lesson.learner, &count);
  for (size_t i = 0; order && i < count; i++)
    if (takes (graphs->node (t->lesson.learner, order[i]), value))
      return i;
  return SIZE_MAX;
}

static void
drop_tensor (trim *t, size_t index)
{
  t->lesson.host->release (t->lesson.host, t->tensors[index].name);
  memmove (&t->tensors[index], &t->tensors[index + 1], (t->count - index - 1) * sizeof *t->tensors);
  memset (&t->tensors[--t->count], 0, sizeof *t->tensors);
}

/* The layer that sees the data, and the one that answers, are small and can spare least. */
static adze_status
drop_ends (trim *t)
{
  size_t first = 0, last = 0;
  if (t->count < 3)
    return adze_fail (t->lesson.host, ADZE_E_PARAM,
                      "parameter 'keep-ends': of %zu weight%s that would take part none is between the first and "
                      "the last",
                      t->count, t->count == 1 ? "" : "s");
  for (size_t i = 1; i < t->count; i++) {
    first = place_of (t, &t->tensors[i]) < place_of (t, &t->tensors[first]) ? i : first;
    last = place_of (t, &t->tensors[i]) >= place_of (t, &t->tensors[last]) ? i : last;
  }
  drop_tensor (t, first > last ? first : last);
  drop_tensor (t, first > last ? last : first);
  return ADZE_OK;
}

/* ---- One tensor. */

bool
trim_is_left (const trim *t, const char *name)
{
  return is_listed (t, "frozen", name) || is_listed (t, "whole", name);
}

/* Biases and what normalises are few numbers, and each counts. */
static bool
takes_part (const trim *t, const adze_graph_value *value)
{
  return value->role == ADZE_ROLE_WEIGHT && !value->fixed && value->data && adze_dtype_is_float (value->dtype)
         && value->rank >= 2 && value->rank <= ADZE_GRAPH_RANK && !trim_is_left (t, value->name);
}

static adze_status
add_tensor (trim *t, const adze_graph_value *value)
{
  const adze_host *host = t->lesson.host;
  trim_tensor *tensor = &t->tensors[t->count];
  size_t length = strlen (value->name) + 1;
  tensor->name = (char *)host->allocate (host, length);
  if (!tensor->name)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the name of '%s'", value->name);
  memcpy (tensor->name, value->name, length);
  tensor->dtype = value->dtype;
  tensor->rank = value->rank;
  tensor->count = 1;
  for (int32_t i = 0; i < value->rank; i++) {
    tensor->shape[i] = value->shape[i];
    tensor->count *= (uint64_t)value->shape[i];
  }
  tensor->row = value->rank > 1 && value->shape[0] > 0 ? tensor->count / (uint64_t)value->shape[0] : tensor->count;
  t->count++;
  return ADZE_OK;
}

adze_status
trim_tensor_of (trim *t, const adze_graph_value *value, uint32_t *index)
{
  for (*index = 0; *index < t->count; ++*index)
    if (strcmp (t->tensors[*index].name, value->name) == 0)
      return ADZE_OK;
  return add_tensor (t, value);
}

static adze_status
add_tensors (trim *t)
{
  const adze_lesson *lesson = &t->lesson;
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < lesson->graphs->value_count (lesson->learner); i++) {
    const adze_graph_value *value = lesson->graphs->value (lesson->learner, i);
    if (takes_part (t, value))
      status = add_tensor (t, value);
  }
  return status;
}

/* ---- Room for each. */

static adze_status
make_room (trim *t, trim_tensor *tensor)
{
  const adze_host *host = t->lesson.host;
  tensor->kept = (uint8_t *)host->allocate (host, (size_t)tensor->count + 1);
  tensor->factors = host->allocate (host, (size_t)tensor->count * (tensor->dtype.bits / 8u) + 1);
  if (!tensor->kept || !tensor->factors)
    return trim_no_room (t, tensor);
  memset (tensor->kept, 1, (size_t)tensor->count);
  tensor->most = t->by_channels ? tensor->count : tensor->count - (uint64_t)ceil (t->min_kept * (double)tensor->count);
  tensor->view.data = tensor->factors;
  tensor->view.device.type = ADZE_DEVICE_CPU;
  tensor->view.dtype = tensor->dtype;
  tensor->view.rank = tensor->rank;
  tensor->view.shape = tensor->shape;
  trim_set_factors (tensor);
  t->weights += tensor->count;
  return ADZE_OK;
}

adze_status
trim_no_room (const trim *t, const trim_tensor *tensor)
{
  return adze_fail (t->lesson.host, ADZE_E_MEMORY, "no room for what is known of the %llu numbers of '%s'",
                    (unsigned long long)tensor->count, tensor->name);
}

static adze_status
make_list (trim *t)
{
  const adze_lesson *lesson = &t->lesson;
  size_t most = adze_lesson_count_weights (lesson);
  t->tensors = (trim_tensor *)lesson->host->allocate (lesson->host, (most + 1) * sizeof *t->tensors);
  return t->tensors ? ADZE_OK
                    : adze_fail (lesson->host, ADZE_E_MEMORY, "no room for what is known of %zu weights", most);
}

adze_status
trim_find_tensors (trim *t)
{
  adze_status status = check_patterns (t, "whole");
  if (status == ADZE_OK)
    status = make_list (t);
  if (status == ADZE_OK)
    status = t->by_channels ? trim_find_channels (t) : add_tensors (t);
  if (status == ADZE_OK && !t->by_channels && adze_param_bool (t->lesson.host, t->lesson.params, "keep-ends"))
    status = drop_ends (t);
  for (size_t i = 0; status == ADZE_OK && i < t->count; i++)
    status = make_room (t, &t->tensors[i]);
  if (status != ADZE_OK || t->count > 0)
    return status;
  return adze_fail (t->lesson.host, ADZE_E_NOT_FOUND,
                    "the network has no weights to prune: needed are floats of two dimensions or more that "
                    "'frozen' and 'whole' do not name");
}

void
trim_drop_tensors (trim *t)
{
  const adze_host *host = t->lesson.host;
  for (size_t i = 0; i < t->count; i++) {
    host->release (host, t->tensors[i].name);
    host->release (host, t->tensors[i].kept);
    host->release (host, t->tensors[i].factors);
    host->release (host, t->tensors[i].scores);
  }
  host->release (host, t->tensors);
  adze_bytes_release (host, &t->channels);
  adze_bytes_release (host, &t->groups);
  adze_bytes_release (host, &t->places);
  t->tensors = NULL;
  t->count = 0;
}
