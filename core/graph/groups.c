/* SPDX-License-Identifier: Apache-2.0 */
/* graph/groups.c: places along dimensions, joined by rules, become channels and groups. */
#include "graph/groups_private.h"

/* ---- Places. */

int64_t
adze_places_of (const adze_groups *groups, uint32_t number, int32_t axis)
{
  const adze_graph_value *value = adze_graph_value_at (groups->graph, number);
  if (!value || axis < 0 || axis >= value->rank
      || groups->first[number][axis] == ADZE_NO_PLACE)
    return 0;
  return value->shape[axis];
}

uint32_t
adze_place_root (const adze_groups *groups, size_t place)
{
  uint32_t at = (uint32_t)place;
  while (groups->parent[at] != at) {
    groups->parent[at] = groups->parent[groups->parent[at]];
    at = groups->parent[at];
  }
  return at;
}

void
adze_place_fix (adze_groups *groups, size_t place, adze_channels_fixed why, uint32_t node)
{
  adze_fix *fix = &groups->fixed[adze_place_root (groups, place)];
  if (fix->why == ADZE_CHANNELS_FREE)
    *fix = (adze_fix){ (uint8_t)why, node };
}

/* The lower number becomes the root, so that the order of joining is not seen in the outcome. */
void
adze_places_join (adze_groups *groups, size_t a, size_t b)
{
  uint32_t left = adze_place_root (groups, a), right = adze_place_root (groups, b);
  if (left == right)
    return;
  uint32_t root = left < right ? left : right, other = left < right ? right : left;
  groups->parent[other] = root;
  groups->mixed[root] = groups->mixed[root] || groups->mixed[other];
  if (groups->fixed[root].why == ADZE_CHANNELS_FREE)
    groups->fixed[root] = groups->fixed[other];
}

static adze_error *
number_places (adze_groups *g)
{
  const adze_graph *graph = g->graph;
  g->first = calloc (graph->value_count + 1, sizeof *g->first);
  if (!g->first)
    return adze_error_memory ();
  for (size_t v = 0; v < graph->value_count; v++) {
    const adze_graph_value *value = graph->values[v];
    for (int32_t d = 0; d < ADZE_GRAPH_RANK; d++) {
      bool known = d < value->rank && value->shape[d] > 0;
      g->first[v][d] = known ? g->count : ADZE_NO_PLACE;
      if (known && (uint64_t)value->shape[d] >= ADZE_NONE - g->count)
        return adze_error_new (ADZE_E_LIMIT,
                               "value '%s' is too large for its channels to be followed",
                               value->name);
      g->count += known ? (size_t)value->shape[d] : 0;
    }
  }
  g->parent = malloc ((g->count + 1) * sizeof *g->parent);
  g->fixed = calloc (g->count + 1, sizeof *g->fixed);
  g->mixed = calloc (g->count + 1, sizeof *g->mixed);
  if (!g->parent || !g->fixed || !g->mixed)
    return adze_error_memory ();
  for (size_t i = 0; i < g->count; i++)
    g->parent[i] = (uint32_t)i;
  return NULL;
}

static void
fix_value (adze_groups *g, uint32_t number, adze_channels_fixed why)
{
  for (int32_t d = 0; d < g->graph->values[number]->rank; d++)
    for (int64_t i = 0; i < adze_places_of (g, number, d); i++)
      adze_place_fix (g, adze_place (g, number, d, i), why, ADZE_NONE);
}

static adze_error *
join_places (adze_groups *g)
{
  const adze_graph *graph = g->graph;
  for (size_t i = 0; i < graph->inputs.count; i++)
    fix_value (g, graph->inputs.items[i], ADZE_CHANNELS_INPUT);
  for (size_t i = 0; i < graph->outputs.count; i++)
    fix_value (g, graph->outputs.items[i], ADZE_CHANNELS_OUTPUT);
  for (size_t n = 0; n < graph->node_count; n++)
    if (graph->nodes[n])
      adze_groups_follow (g, graph->nodes[n]);
  return NULL;
}

/* ---- Channels. */

/* A place of a weight, and the root of its set. */
typedef struct rooted {
  uint32_t root;
  adze_channel_place place;
} rooted;

static int
by_root (const void *left, const void *right)
{
  const rooted *a = left, *b = right;
  if (a->root != b->root)
    return a->root < b->root ? -1 : 1;
  if (a->place.value != b->place.value)
    return a->place.value < b->place.value ? -1 : 1;
  if (a->place.axis != b->place.axis)
    return a->place.axis < b->place.axis ? -1 : 1;
  return (a->place.index > b->place.index) - (a->place.index < b->place.index);
}

/* A weight or constant that somebody computes with. */
static bool
takes_part (const adze_graph *graph, uint32_t number)
{
  const adze_graph_value *value = graph->values[number];
  return (value->role == ADZE_ROLE_WEIGHT || value->role == ADZE_ROLE_CONSTANT)
         && adze_graph_uses (graph, number) > 0;
}

/* Places of weights in sets that are free, set by set. */
static adze_error *
list_places (const adze_groups *g, rooted **list, size_t *count)
{
  *list = malloc ((g->count + 1) * sizeof **list);
  *count = 0;
  if (!*list)
    return adze_error_memory ();
  for (uint32_t v = 0; v < g->graph->value_count; v++)
    for (int32_t d = 0; takes_part (g->graph, v) && d < g->graph->values[v]->rank; d++)
      for (int64_t i = 0; i < adze_places_of (g, v, d); i++) {
        uint32_t root = adze_place_root (g, adze_place (g, v, d, i));
        if (g->fixed[root].why == ADZE_CHANNELS_FREE)
          (*list)[(*count)++] = (rooted){ root, { v, d, i } };
      }
  if (*count)
    qsort (*list, *count, sizeof **list, by_root);
  return NULL;
}

/* A channel and what it is sorted by. */
typedef struct sorted {
  adze_channel channel;
  uint32_t root;
} sorted;

static int
compare_kinds (const adze_channel *a, const adze_channel *b)
{
  for (size_t i = 0; i < a->count && i < b->count; i++) {
    const adze_channel_place *x = &a->places[i], *y = &b->places[i];
    if (x->value != y->value)
      return x->value < y->value ? -1 : 1;
    if (x->axis != y->axis)
      return x->axis < y->axis ? -1 : 1;
  }
  return (a->count > b->count) - (a->count < b->count);
}

static int
by_kind (const void *left, const void *right)
{
  const sorted *a = left, *b = right;
  int order = compare_kinds (&a->channel, &b->channel);
  return order ? order : (a->root > b->root) - (a->root < b->root);
}

static adze_error *
make_channels (adze_groups *g, const rooted *list, size_t count, sorted **made)
{
  g->places = malloc ((count + 1) * sizeof *g->places);
  *made = malloc ((count + 1) * sizeof **made);
  if (!g->places || !*made)
    return adze_error_memory ();
  for (size_t i = 0, end; i < count; i = end) {
    for (end = i; end < count && list[end].root == list[i].root; end++)
      g->places[end] = list[end].place;
    (*made)[g->channel_count++]
        = (sorted){ { &g->places[i], end - i }, list[i].root };
  }
  g->place_count = count;
  if (g->channel_count)
    qsort (*made, g->channel_count, sizeof **made, by_kind);
  return NULL;
}

static adze_error *
make_groups (adze_groups *g, const sorted *made)
{
  size_t count = g->channel_count;
  g->channels = malloc ((count + 1) * sizeof *g->channels);
  g->groups = calloc (count + 1, sizeof *g->groups);
  if (!g->channels || !g->groups)
    return adze_error_memory ();
  for (size_t i = 0, end; i < count; i = end) {
    adze_channel_group *group = &g->groups[g->group_count++];
    group->channels = &g->channels[i];
    for (end = i; end < count && compare_kinds (&made[i].channel, &made[end].channel) == 0; end++) {
      g->channels[end] = made[end].channel;
      group->mixed = group->mixed || g->mixed[made[end].root];
    }
    group->count = end - i;
  }
  return NULL;
}

static adze_error *
settle (adze_groups *g)
{
  ADZE_AUTO_FREE rooted *list = NULL;
  ADZE_AUTO_FREE sorted *made = NULL;
  size_t count;
  ADZE_TRY (list_places (g, &list, &count));
  ADZE_TRY (make_channels (g, list, count, &made));
  return make_groups (g, made);
}

/* ---- The whole. */

adze_error *
adze_groups_find (const adze_graph *graph, adze_groups **groups)
{
  ADZE_AUTO_GROUPS made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->graph = graph;
  ADZE_TRY (number_places (made));
  ADZE_TRY (join_places (made));
  ADZE_TRY (settle (made));
  *groups = adze_take (&made);
  return NULL;
}

void
adze_groups_free (adze_groups *groups)
{
  if (!groups)
    return;
  free (groups->first);
  free (groups->parent);
  free (groups->fixed);
  free (groups->mixed);
  free (groups->places);
  free (groups->channels);
  free (groups->groups);
  free (groups);
}

size_t
adze_groups_count (const adze_groups *groups)
{
  return groups->group_count;
}

const adze_channel_group *
adze_groups_at (const adze_groups *groups, size_t index)
{
  return index < groups->group_count ? &groups->groups[index] : NULL;
}

adze_channels_fixed
adze_groups_why (const adze_groups *groups, uint32_t value, int32_t axis, uint32_t *node)
{
  for (int64_t i = 0; i < adze_places_of (groups, value, axis); i++) {
    adze_fix fix = groups->fixed[adze_place_root (groups, adze_place (groups, value, axis, i))];
    if (node)
      *node = fix.node;
    if (fix.why != ADZE_CHANNELS_FREE)
      return (adze_channels_fixed)fix.why;
  }
  return ADZE_CHANNELS_FREE;
}
