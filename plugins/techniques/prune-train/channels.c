/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: whole channels.
 *
 * What hangs together in the network is known to adze.graph/1. A channel that goes is zero at all of its places while
 * the others learn, so that it says nothing to anybody; in the end it is taken out of the network. */
#include "trim.h"

#include <math.h>
#include <stdlib.h>

/* ---- Found. */

/* Running statistics are no parameters, and a batch normalisation needs them as they are. */
static bool
is_statistic (const trim *t, const adze_graph *graph, uint32_t value)
{
  const adze_graph_service *graphs = t->lesson.graphs;
  for (uint32_t n = 0; n < graphs->node_count (graph); n++) {
    const adze_graph_node *node = graphs->node (graph, n);
    if (!node || strcmp (node->op, "BatchNormalization") != 0)
      continue;
    for (size_t i = 3; i < node->input_count; i++)
      if (node->inputs[i] == value)
        return true;
  }
  return false;
}

/* May channels of this value go, and is there anything to mask for it? */
static bool
may_mask (const trim *t, const adze_graph *graph, uint32_t number, bool *masked)
{
  const adze_graph_value *value = t->lesson.graphs->value (graph, number);
  *masked = value->role == ADZE_ROLE_WEIGHT && adze_dtype_is_float (value->dtype) && !is_statistic (t, graph, number);
  return value->role != ADZE_ROLE_WEIGHT || !trim_is_left (t, value->name);
}

/* A mean over channels sees one that is zero as well, so that those of a mixed group cannot go one by one. */
static bool
may_go (const trim *t, const adze_graph *graph, const adze_channel_group *group)
{
  bool compared = false, masked;
  for (size_t p = 0; p < group->channels[0].count; p++) {
    uint32_t value = group->channels[0].places[p].value;
    if (!may_mask (t, graph, value, &masked))
      return false;
    compared = compared || (masked && t->lesson.graphs->value (graph, value)->rank > 1);
  }
  return compared && !group->mixed && group->count > 1;
}

static adze_status
add_place (trim *t, const adze_graph *graph, const adze_channel_place *place)
{
  bool masked;
  uint32_t tensor = 0;
  if (!may_mask (t, graph, place->value, &masked) || !masked)
    return ADZE_OK;
  adze_status status = trim_tensor_of (t, t->lesson.graphs->value (graph, place->value), &tensor);
  const trim_place added = { tensor, place->axis, place->index };
  if (status == ADZE_OK)
    status = adze_bytes_add (t->lesson.host, &t->places, &added, sizeof added);
  return status;
}

static adze_status
add_channel (trim *t, const adze_graph *graph, const adze_channel *channel, size_t group, size_t number)
{
  trim_channel added;
  memset (&added, 0, sizeof added);
  added.first = t->places.size / sizeof (trim_place);
  added.group = group;
  added.number = number;
  adze_status status = ADZE_OK;
  for (size_t p = 0; status == ADZE_OK && p < channel->count; p++)
    status = add_place (t, graph, &channel->places[p]);
  added.count = t->places.size / sizeof (trim_place) - added.first;
  return status == ADZE_OK ? adze_bytes_add (t->lesson.host, &t->channels, &added, sizeof added) : status;
}

static adze_status
add_group (trim *t, const adze_graph *graph, const adze_channel_group *group, size_t number)
{
  trim_group added;
  memset (&added, 0, sizeof added);
  added.found = number;
  added.count = group->count;
  added.most = group->count - (uint64_t)fmax (1, ceil (t->min_kept * (double)group->count));
  adze_status status = adze_bytes_add (t->lesson.host, &t->groups, &added, sizeof added);
  size_t index = trim_group_count (t) - 1;
  for (size_t c = 0; status == ADZE_OK && c < group->count; c++)
    status = add_channel (t, graph, &group->channels[c], index, c);
  return status;
}

adze_status
trim_find_channels (trim *t)
{
  adze_lesson *lesson = &t->lesson;
  adze_graph *graph = NULL;
  adze_groups *groups = NULL;
  adze_status status = lesson->run->graph (lesson->host, lesson->context, lesson->model, &graph);
  if (status == ADZE_OK)
    status = lesson->graphs->find_groups (lesson->host, graph, &groups);
  for (size_t i = 0; status == ADZE_OK && i < lesson->graphs->group_count (groups); i++) {
    const adze_channel_group *group = lesson->graphs->group (groups, i);
    if (may_go (t, graph, group))
      status = add_group (t, graph, group, i);
  }
  if (groups)
    lesson->graphs->free_groups (groups);
  if (status != ADZE_OK || trim_channel_count (t) > 0)
    return status;
  return adze_fail (lesson->host, ADZE_E_NOT_FOUND,
                    "the network has no channels to take out: needed are two or more that hang together, of weights "
                    "that 'frozen' and 'whole' do not name, and of which no LayerNormalization takes the mean");
}

/* ---- The elements of a channel. */

typedef void (*trim_visit) (trim_tensor *tensor, uint64_t element, void *data);

static void
visit_place (trim *t, const trim_place *place, trim_visit visit, void *data)
{
  trim_tensor *tensor = &t->tensors[place->tensor];
  uint64_t inner = 1;
  for (int32_t i = place->axis + 1; i < tensor->rank; i++)
    inner *= (uint64_t)tensor->shape[i];
  uint64_t step = inner * (uint64_t)tensor->shape[place->axis];
  for (uint64_t at = (uint64_t)place->index * inner; at < tensor->count; at += step)
    for (uint64_t i = 0; i < inner; i++)
      visit (tensor, at + i, data);
}

static void
visit_channel (trim *t, const trim_channel *channel, trim_visit visit, void *data)
{
  const trim_place *places = (const trim_place *)(const void *)t->places.data;
  for (size_t i = 0; i < channel->count; i++)
    visit_place (t, &places[channel->first + i], visit, data);
}

static void
take_element (trim_tensor *tensor, uint64_t element, void *data)
{
  (void)data;
  tensor->gone += tensor->kept[element];
  tensor->kept[element] = 0;
}

/* ---- Compared. */

typedef struct trim_mean {
  double sum;
  uint64_t count;
} trim_mean;

static void
add_element (trim_tensor *tensor, uint64_t element, void *data)
{
  trim_mean *mean = (trim_mean *)data;
  if (tensor->rank < 2)
    return; /* a bias is another measure */
  mean->sum += (double)tensor->scores[element];
  mean->count++;
}

/* The mean of its weights, so that channels of layers of other sizes compare; what the loss says of them adds up. */
void
trim_score_channels (trim *t)
{
  bool sums = t->criterion == TRIM_SNIP || t->criterion == TRIM_TAYLOR;
  for (size_t i = 0; i < trim_channel_count (t); i++) {
    trim_mean mean = { 0, 0 };
    trim_channel *channel = trim_channel_at (t, i);
    visit_channel (t, channel, add_element, &mean);
    channel->score = sums || mean.count == 0 ? mean.sum : mean.sum / (double)mean.count;
  }
}

/* By score, of equal ones the first in front. */
static int
by_score (const void *left, const void *right)
{
  const trim_order *a = (const trim_order *)left, *b = (const trim_order *)right;
  if (a->score != b->score)
    return a->score < b->score ? -1 : 1;
  if (a->group != b->group)
    return a->group < b->group ? -1 : 1;
  return a->number < b->number ? -1 : a->number > b->number;
}

/* The same in each group by itself. */
static int
by_group (const void *left, const void *right)
{
  const trim_order *a = (const trim_order *)left, *b = (const trim_order *)right;
  return a->group != b->group ? (a->group < b->group ? -1 : 1) : by_score (left, right);
}

/* So many of each group, or of all together, however much of each. */
static uint64_t
set_goals (trim *t, double share)
{
  uint64_t all = 0;
  for (size_t g = 0; g < trim_group_count (t); g++) {
    trim_group *group = trim_group_at (t, g);
    uint64_t own = (uint64_t)floor (share * (double)group->count + 0.5);
    group->goal = t->global || own > group->most ? group->most : own;
    all += t->global ? group->count : group->goal;
  }
  return t->global ? (uint64_t)floor (share * (double)all + 0.5) : all;
}

/* Whole bundles, as many as fit. */
static void
take_channels (trim *t, const trim_order *order, size_t count, uint64_t goal)
{
  uint64_t gone = trim_channels_gone (t);
  for (size_t i = 0; i < count; i += order[i].bundle) {
    trim_group *group = trim_group_at (t, order[i].group);
    if (gone + order[i].bundle > goal || group->gone + order[i].bundle > group->goal)
      continue;
    for (size_t k = i; k < i + order[i].bundle; k++) {
      trim_channel *channel = trim_channel_at (t, order[k].number);
      visit_channel (t, channel, take_element, NULL);
      channel->gone = true;
    }
    group->gone += order[i].bundle;
    gone += order[i].bundle;
  }
}

/* COUNT of a group, from the one that is worth least on: the first bundle makes what stays a multiple, and those
 * behind it leave it one. Each is worth the mean of it; what is left over stays. How many there are of whole ones. */
static size_t
bundle_group (const trim *t, trim_order *order, size_t count)
{
  const trim_group *group = trim_group_at (t, order[0].group);
  size_t size = (size_t)((group->count - group->gone) % t->multiple), done = 0;
  for (size = size ? size : (size_t)t->multiple; count - done >= size; size = (size_t)t->multiple) {
    double sum = 0;
    for (size_t i = done; i < done + size; i++)
      sum += order[i].score;
    for (size_t i = done; i < done + size; i++) {
      order[i].score = sum / (double)size;
      order[i].bundle = size;
    }
    done += size;
  }
  return done;
}

/* Which come first is told of single channels in each group, and of bundles between them. How many are in one. */
static size_t
bundle (const trim *t, trim_order *order, size_t count)
{
  size_t bundled = 0, next;
  qsort (order, count, sizeof *order, by_group);
  for (size_t first = 0; first < count; first = next) {
    for (next = first + 1; next < count && order[next].group == order[first].group;)
      next++;
    size_t whole = bundle_group (t, &order[first], next - first);
    memmove (&order[bundled], &order[first], whole * sizeof *order);
    bundled += whole;
  }
  qsort (order, bundled, sizeof *order, by_score);
  return bundled;
}

adze_status
trim_choose_channels (trim *t, double share)
{
  const adze_host *host = t->lesson.host;
  size_t count = trim_channel_count (t), left = 0;
  trim_order *order = (trim_order *)host->allocate (host, count * sizeof *order);
  if (!order)
    return adze_fail (host, ADZE_E_MEMORY, "no room to compare %zu channels", count);
  for (size_t i = 0; i < count; i++) {
    const trim_channel *channel = trim_channel_at (t, i);
    order[left].score = channel->score;
    order[left].group = channel->group;
    order[left].number = i;
    left += !channel->gone && !isnan (channel->score);
  }
  left = bundle (t, order, left);
  take_channels (t, order, left, set_goals (t, share));
  host->release (host, order);
  return ADZE_OK;
}

/* ---- Masks that were found again say which channels are gone. */

static void
see_element (trim_tensor *tensor, uint64_t element, void *data)
{
  *(bool *)data = *(bool *)data || tensor->kept[element];
}

void
trim_recall_channels (trim *t)
{
  for (size_t i = 0; i < trim_channel_count (t); i++) {
    trim_channel *channel = trim_channel_at (t, i);
    bool kept = false;
    visit_channel (t, channel, see_element, &kept);
    trim_group_at (t, channel->group)->gone += !kept && !channel->gone;
    channel->gone = !kept;
  }
}

/* ---- Taken out. */

static adze_status
remove_found (trim *t, adze_graph *graph, const adze_groups *groups, const bool **removed)
{
  const adze_host *host = t->lesson.host;
  for (size_t g = 0; g < trim_group_count (t); g++) {
    const trim_group *group = trim_group_at (t, g);
    bool *gone = (bool *)host->allocate (host, group->count * sizeof *gone);
    removed[group->found] = gone;
    if (!gone)
      return adze_fail (host, ADZE_E_MEMORY, "no room for %zu channels", group->count);
  }
  for (size_t i = 0; i < trim_channel_count (t); i++) {
    const trim_channel *channel = trim_channel_at (t, i);
    ((bool *)(uintptr_t)removed[trim_group_at (t, channel->group)->found])[channel->number] = channel->gone;
  }
  return t->lesson.graphs->remove_channels (host, graph, groups, removed);
}

/* The groups of a graph like the one that they were found in have the same numbers. */
adze_status
trim_remove_channels (trim *t, adze_graph *graph)
{
  const adze_lesson *lesson = &t->lesson;
  adze_groups *groups = NULL;
  adze_status status = lesson->graphs->find_groups (lesson->host, graph, &groups);
  if (status != ADZE_OK)
    return status;
  size_t count = lesson->graphs->group_count (groups);
  const bool **removed = (const bool **)lesson->host->allocate (lesson->host, (count + 1) * sizeof *removed);
  status = removed ? remove_found (t, graph, groups, removed)
                   : adze_fail (lesson->host, ADZE_E_MEMORY, "no room for %zu groups of channels", count);
  for (size_t i = 0; removed && i < count; i++)
    lesson->host->release (lesson->host, (void *)(uintptr_t)removed[i]);
  lesson->host->release (lesson->host, (void *)removed);
  lesson->graphs->free_groups (groups);
  return status;
}
