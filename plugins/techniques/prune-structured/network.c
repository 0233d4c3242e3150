/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of channels in a network: what hangs together there, and its removal. */
#include "structured.h"

typedef struct finding {
  const adze_host *host;
  const adze_outline *outline;
  structured *self;
  const adze_graph_service *graphs;
  const adze_graph *graph;
  const adze_groups *groups;
  uint8_t *roles;
} finding;

static const adze_graph_value *
value_of (const finding *f, uint32_t number)
{
  return f->graphs->value (f->graph, number);
}

/* Is a dimension one whose numbers channels are compared by? */
static bool
has_role (const finding *f, uint32_t value, int32_t axis)
{
  unsigned wanted = f->self->wish.of == STRUCTURED_CHANNELS ? STRUCTURED_TAKES : STRUCTURED_MAKES;
  return value_of (f, value)->rank > 1
         && (f->roles[(size_t)value * ADZE_GRAPH_RANK + (size_t)axis] & wanted) != 0;
}

/* ---- One group. */

/* Places FIRST to the one that is returned are of one dimension. */
static size_t
end_of_run (const adze_channel *channel, size_t first)
{
  size_t end = first;
  while (end < channel->count && channel->places[end].value == channel->places[first].value
         && channel->places[end].axis == channel->places[first].axis)
    end++;
  return end;
}

/* Heads are made by neighbouring outputs of a weight. */
static bool
are_neighbours (const structured_part *part, size_t count)
{
  for (size_t i = 0; i < count * part->per; i++)
    if (i % part->per > 0 && part->indices[i] != part->indices[i - 1] + 1)
      return false;
  return part->per > 1;
}

/* Tensor of a value; STRUCTURED_NONE: it is none that is shown. */
static size_t
tensor_of (const finding *f, const adze_graph_value *value)
{
  const structured_tensor *tensor
      = value->role == ADZE_ROLE_WEIGHT ? structured_tensor_of (f->self, value->name) : NULL;
  return tensor ? (size_t)((const char *)tensor - f->self->tensors.items) / sizeof *tensor
                : STRUCTURED_NONE;
}

static adze_status
add_run (const finding *f, const adze_channel_group *group, size_t first, size_t end)
{
  const adze_channel_place *place = &group->channels[0].places[first];
  size_t tensor = tensor_of (f, value_of (f, place->value));
  bool ranked = tensor != STRUCTURED_NONE && has_role (f, place->value, place->axis);
  adze_status status
      = structured_add_part (f->host, f->self, tensor, place->axis, ranked, end - first);
  if (status != ADZE_OK)
    return status;
  int64_t *indices = f->self->parts[f->self->part_count - 1].indices;
  for (size_t c = 0; c < group->count; c++)
    for (size_t i = first; i < end; i++)
      *indices++ = group->channels[c].places[i].index;
  return ADZE_OK;
}

/* A weight that says which group is spoken of: one that makes its channels, if any does. */
static const char *
name_of_group (const finding *f, const adze_channel_group *group)
{
  const adze_channel *channel = &group->channels[0];
  for (size_t p = 0; p < channel->count; p++)
    if (has_role (f, channel->places[p].value, channel->places[p].axis))
      return value_of (f, channel->places[p].value)->name;
  return value_of (f, channel->places[0].value)->name;
}

static bool
has_heads (const structured *self, const structured_set *set)
{
  for (size_t p = set->first_part; p < set->first_part + set->part_count; p++)
    if (self->parts[p].ranked && are_neighbours (&self->parts[p], set->count))
      return true;
  return false;
}

/* The first value of a group that no stage could change; NULL: there is none. */
static const adze_graph_value *
out_of_reach (const finding *f, const adze_channel_group *group)
{
  const adze_channel *channel = &group->channels[0];
  for (size_t p = 0; p < channel->count; p++) {
    const adze_graph_value *value = value_of (f, channel->places[p].value);
    bool constant = value->role == ADZE_ROLE_CONSTANT;
    if (constant ? !f->self->shrinks : tensor_of (f, value) == STRUCTURED_NONE)
      return value;
  }
  return NULL;
}

/* Adds the parts of the last set, and says whether it is to be kept. */
static adze_status
look_at_group (const finding *f, const adze_channel_group *group, bool *keep)
{
  structured *self = f->self;
  adze_status status = ADZE_OK;
  const char *name = name_of_group (f, group);
  const adze_graph_value *odd = out_of_reach (f, group);
  *keep = false;
  for (size_t p = 0, end; status == ADZE_OK && p < group->channels[0].count; p = end) {
    end = end_of_run (&group->channels[0], p);
    status = add_run (f, group, p, end);
  }
  if (status != ADZE_OK)
    return status;
  const structured_set *set = &self->sets[self->set_count - 1];
  bool heads = has_heads (self, set), wants_heads = self->wish.of == STRUCTURED_HEADS;
  if (wants_heads && !heads)
    return ADZE_OK; /* it was never meant */
  if (odd && odd->role == ADZE_ROLE_CONSTANT)
    return structured_leave (f->host, self, name, false,
                             "its channels are in '%s' as well, a constant of the network, which can only be "
                             "made smaller, not zero", odd->name);
  if (odd)
    return structured_leave (f->host, self, name, false,
                             "its channels are in '%s' as well, which a rule skips, or which is no float",
                             odd->name);
  if (heads && self->wish.of == STRUCTURED_FILTERS)
    return structured_leave (f->host, self, name, false,
                             "its channels are heads; of = \"heads\" takes them");
  if (group->mixed)
    return structured_leave (f->host, self, name, false,
                             "a LayerNormalization takes the mean of its channels, so that none can go "
                             "without changing the others");
  if (group->count < 2)
    return structured_leave (f->host, self, name, false, "all that it makes can only go at once");
  if (!structured_leader (self, set))
    return structured_leave (f->host, self, name, false,
                             "no weight is known to %s its channels, which they could be compared by",
                             self->wish.of == STRUCTURED_CHANNELS ? "take" : "make");
  *keep = true;
  return ADZE_OK;
}

static adze_status
add_group (const finding *f, size_t number)
{
  const adze_channel_group *group = f->graphs->group (f->groups, number);
  bool keep = false;
  adze_status status = structured_add_set (f->host, f->self, group->count, number);
  if (status == ADZE_OK)
    status = look_at_group (f, group, &keep);
  if (status == ADZE_OK && keep)
    status = structured_count_set (f->host, f->outline, f->self);
  if (status == ADZE_OK && !keep)
    structured_drop_set (f->self);
  else if (status == ADZE_OK && f->self->sets[f->self->set_count - 1].removed == 0)
    structured_spare_set (f->self);
  return status;
}

/* ---- What is in no group. */

static adze_status
tell_fixed (const finding *f, uint32_t value, int32_t axis)
{
  uint32_t number = ADZE_NONE;
  const char *name = value_of (f, value)->name;
  uint32_t why = f->graphs->why_fixed (f->groups, value, axis, &number);
  if (why == ADZE_CHANNELS_FREE)
    return ADZE_OK;
  if (why != ADZE_CHANNELS_NODE)
    return structured_leave (f->host, f->self, name, true, "its channels are %s of the network",
                             why == ADZE_CHANNELS_INPUT ? "inputs" : "outputs");
  const adze_graph_node *node = f->graphs->node (f->graph, number);
  return structured_leave (f->host, f->self, name, false, "node '%s' (%s) needs all of its channels",
                           node->name, node->op);
}

static adze_status
tell_all_fixed (const finding *f)
{
  adze_status status = ADZE_OK;
  for (uint32_t v = 0; status == ADZE_OK && v < f->graphs->value_count (f->graph); v++) {
    const adze_graph_value *value = value_of (f, v);
    bool meant = tensor_of (f, value) != STRUCTURED_NONE && f->self->wish.of != STRUCTURED_HEADS;
    for (int32_t d = 0; status == ADZE_OK && meant && d < value->rank; d++)
      if (has_role (f, v, d))
        status = tell_fixed (f, v, d);
  }
  return status;
}

/* ---- All of it. */

adze_status
structured_find_in_network (const adze_host *host, const adze_outline *outline, structured *self,
                            const adze_graph *graph)
{
  finding f = { host, outline, self, adze_graph_of (host), graph, NULL, NULL };
  adze_groups *groups = NULL;
  adze_status status = f.graphs->find_groups (host, graph, &groups);
  f.groups = groups;
  if (status == ADZE_OK)
    status = structured_roles (host, graph, &f.roles);
  size_t count = status == ADZE_OK ? f.graphs->group_count (groups) : 0;
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = add_group (&f, i);
  if (status == ADZE_OK)
    status = tell_all_fixed (&f);
  f.graphs->free_groups (groups);
  if (f.roles)
    host->release (host, f.roles);
  return status;
}

adze_status
structured_shrink_network (const adze_host *host, const structured *self, adze_graph *graph)
{
  const adze_graph_service *graphs = adze_graph_of (host);
  adze_groups *groups = NULL;
  adze_status status = graphs->find_groups (host, graph, &groups);
  size_t count = status == ADZE_OK ? graphs->group_count (groups) : 0;
  const bool **removed = (const bool **)host->allocate (host, (count + 1) * sizeof *removed);
  if (status == ADZE_OK && !removed)
    status = adze_fail (host, ADZE_E_MEMORY, "no room for %zu groups of channels", count);
  for (size_t i = 0; removed && i < count; i++)
    removed[i] = NULL;
  for (size_t i = 0; removed && i < self->set_count; i++)
    if (self->sets[i].group < count)
      removed[self->sets[i].group] = self->sets[i].gone;
  if (status == ADZE_OK)
    status = graphs->remove_channels (host, graph, groups, removed);
  if (removed)
    host->release (host, removed);
  graphs->free_groups (groups);
  return status;
}
