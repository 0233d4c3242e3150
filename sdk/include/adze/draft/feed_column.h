/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/feed_column.h: which column of a dataset a network takes where, and in which shape. Tier:
 * draft.
 *
 * The part of adze/draft/feed.h that looks before anything is read. All inline: what is compiled in
 * here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_FEED_COLUMN_H
#define ADZE_DRAFT_FEED_COLUMN_H

#include <stdio.h>
#include <string.h>

#include <adze/draft/left.h>
#include <adze/draft/run.h>
#include <adze/numbers.h>
#include <adze/param.h>

ADZE_BEGIN_DECLS

/* Rows for the table of a component. */
#define ADZE_FEED_PARAMS \
  { .name = "input", .type = ADZE_PARAM_STRING, .preset = "", \
    .help = "column that the network's input takes; empty: the one called as the input, else " \
            "\"image\", else the one that is left" }, \
  { .name = "columns", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_STRING, .preset = "{}", \
    .help = "column by the name of an input, for networks with several" }, \
  { .name = "target", .type = ADZE_PARAM_STRING, .preset = "", \
    .help = "column of what the network should give; empty: \"label\", else \"target\", else the " \
            "last of several" }, \
  { .name = "output", .type = ADZE_PARAM_STRING, .preset = "", \
    .help = "the network's output that is compared with it; empty: the first one" }, \
  { .name = "scale", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)", \
    .help = "what inputs are multiplied by first; 0: a 255th for columns of u8, 1 for others" }, \
  { .name = "mean", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_FLOAT, .preset = "[]", \
    .range = "(-inf, inf)", .help = "is taken off inputs then: one number, or one for each channel" }, \
  { .name = "std", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_FLOAT, .preset = "[]", \
    .range = "(0, inf)", .help = "divides inputs last: one number, or one for each channel" }

/* One column, and the value that it becomes. */
typedef struct adze_feed_slot {
  size_t number;         /* of the column */
  adze_column column;
  const char *name;      /* of the value */
  adze_dtype dtype;
  bool sound;            /* none can be NaN or without end, or the network itself asks which are */
  int64_t shape[ADZE_GRAPH_RANK]; /* [0]: examples of this batch */
  size_t each;           /* elements of an example */
  double scale;          /* (number * scale / divisor - mean) / std */
  double divisor;
  size_t channels;       /* entries of mean and std */
  size_t inner;          /* neighbours of one channel */
  double *means;         /* NULL: numbers stay as they are */
  double *stds;
  float *table;          /* of u8 that become float32: 256 for each channel */
  double classes;        /* numbers must be whole, and below it; 0: any */
  void *room;
  adze_view view;
} adze_feed_slot;

/* What is to be fed. */
typedef struct adze_feed_wish {
  const adze_params *params;  /* with the rows of ADZE_FEED_PARAMS */
  adze_graph *graph;
  uint32_t output;       /* which the target belongs to */
  uint32_t classes;      /* 1: the target is class numbers, a dimension less than OUTPUT; 0: as it */
  uint32_t target_input; /* the graph's input that takes the target; ADZE_NONE: none does */
  uint32_t batch;        /* examples; 0: as many as the network says, or .preset_batch */
  uint32_t preset_batch;
} adze_feed_wish;

/* ---- Words. */

/* "[N, 784]", as far as there is room; GRAPH, which may be NULL, knows the names of open sizes. */
static inline void
adze_feed_shape (const adze_host *host, const adze_graph *graph, int32_t rank,
                 const int64_t *shape, char *text, size_t size)
{
  size_t used = (size_t)snprintf (text, size, rank < 0 ? "of an unknown shape" : "[");
  for (int32_t i = 0; i < rank && used + 1 < size; i++) {
    const char *symbol = shape[i] < 0 && graph
                             ? adze_graph_of (host)->symbol (graph, (uint32_t)(-1 - shape[i]))
                             : NULL;
    char number[24];
    snprintf (number, sizeof number, "%lld", (long long)shape[i]);
    used += (size_t)snprintf (text + used, size - used, "%s%s", i > 0 ? ", " : "",
                              shape[i] >= 0 ? number : symbol ? symbol : "?");
  }
  if (rank >= 0 && used + 1 < size)
    snprintf (text + used, size - used, "]");
}

static inline void
adze_feed_type (adze_dtype dtype, char *text, size_t size)
{
  adze_tensor_meta meta;
  memset (&meta, 0, sizeof meta);
  meta.dtype = dtype;
  adze_left_type_name (&meta, text, size);
}

/* "u8 [28, 28]" of an example, or "text". */
static inline void
adze_feed_column_text (const adze_host *host, const adze_column *column, char *text, size_t size)
{
  if (column->is_text) {
    snprintf (text, size, "text");
    return;
  }
  adze_feed_type (column->dtype, text, size);
  size_t used = strlen (text);
  if (used + 2 < size) {
    text[used++] = ' ';
    adze_feed_shape (host, NULL, column->rank, column->shape, text + used, size - used);
  }
}

/* "image, label". */
static inline void
adze_feed_columns (const adze_host *host, const adze_artifact *data, char *text, size_t size)
{
  const adze_run_service *run = adze_run_of (host);
  const adze_column *column;
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; used + 1 < size && (column = run->column (host, data, i)) != NULL; i++) {
    int added = snprintf (text + used, size - used, "%s'%s'", i > 0 ? ", " : "", column->name);
    used += added > 0 ? (size_t)added : 0;
  }
}

/* ---- Which column. */

static inline size_t
adze_feed_find (const adze_host *host, const adze_artifact *data, const char *name)
{
  const adze_run_service *run = adze_run_of (host);
  const adze_column *column;
  for (size_t i = 0; (column = run->column (host, data, i)) != NULL; i++)
    if (strcmp (column->name, name) == 0)
      return i;
  return SIZE_MAX;
}

static inline adze_status
adze_feed_no_column (const adze_host *host, const adze_artifact *data, const char *param,
                     const char *name)
{
  char columns[400];
  adze_feed_columns (host, data, columns, sizeof columns);
  return adze_fail (host, ADZE_E_NOT_FOUND,
                    "parameter '%s': the data has no column '%s'; it has %s", param, name,
                    columns[0] ? columns : "none");
}

static inline adze_status
adze_feed_choose_target (const adze_host *host, const adze_artifact *data,
                         const adze_params *params, size_t *number)
{
  const adze_run_service *run = adze_run_of (host);
  const char *name = adze_param_string (host, params, "target");
  *number = adze_feed_find (host, data, name[0] ? name : "label");
  if (*number != SIZE_MAX)
    return ADZE_OK;
  if (name[0])
    return adze_feed_no_column (host, data, "target", name);
  *number = adze_feed_find (host, data, "target");
  size_t count = 0;
  while (run->column (host, data, count))
    count++;
  if (*number == SIZE_MAX && count > 1)
    *number = count - 1;
  return *number != SIZE_MAX
             ? ADZE_OK
             : adze_fail (host, ADZE_E_NOT_FOUND,
                          "the data has nothing to compare with: its only column is '%s'; needed is "
                          "one for the network's input, and one of what it should give",
                          count ? run->column (host, data, 0)->name : "");
}

/* The entry of the map 'columns'; NULL: it has none. */
static inline const char *
adze_feed_mapped (const adze_host *host, const adze_params *params, const char *input)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *map = service->get_nested (params, "columns");
  for (size_t i = 0; i < service->count (map); i++)
    if (strcmp (service->name_at (map, i), input) == 0)
      return service->get_string (map, input);
  return NULL;
}

/* NAME is that of an input, which is the ONLY one or not. */
static inline adze_status
adze_feed_choose_input (const adze_host *host, const adze_artifact *data,
                        const adze_params *params, const char *name, bool only, size_t target,
                        size_t *number)
{
  const adze_run_service *run = adze_run_of (host);
  const char *mapped = adze_feed_mapped (host, params, name);
  const char *wanted = adze_param_string (host, params, "input");
  const char *chosen = mapped ? mapped : only && wanted[0] ? wanted : NULL;
  *number = adze_feed_find (host, data, chosen ? chosen : name);
  if (chosen && *number == SIZE_MAX)
    return adze_feed_no_column (host, data, mapped ? "columns" : "input", chosen);
  if (*number == SIZE_MAX && only)
    *number = adze_feed_find (host, data, "image");
  if (*number != SIZE_MAX)
    return ADZE_OK;
  size_t left = 0;
  for (size_t i = 0; only && run->column (host, data, i); i++)
    if (i != target) {
      *number = i;
      left++;
    }
  if (left == 1)
    return ADZE_OK;
  char columns[400];
  adze_feed_columns (host, data, columns, sizeof columns);
  return adze_fail (host, ADZE_E_NOT_FOUND,
                    "no column of the data is called '%s', as the network's input is; say which is "
                    "meant by %s%s%s; there is %s",
                    name, only ? "input = \"NAME\"" : "columns = { ", only ? "" : name,
                    only ? "" : " = \"NAME\" }", columns);
}

/* Names in 'columns' that are no input, and 'input' where it says nothing, are mistakes. */
static inline adze_status
adze_feed_check_names (const adze_host *host, const adze_feed_wish *wish)
{
  const adze_graph_service *graphs = adze_graph_of (host);
  const adze_params_service *service = adze_params_of (host);
  const adze_params *map = service->get_nested (wish->params, "columns");
  size_t count = 0;
  const uint32_t *inputs = graphs->inputs (wish->graph, &count);
  for (size_t i = 0; i < service->count (map); i++) {
    const char *name = service->name_at (map, i);
    size_t at = 0;
    while (at < count && strcmp (graphs->value (wish->graph, inputs[at])->name, name) != 0)
      at++;
    if (at == count || inputs[at] == wish->target_input)
      return adze_fail (host, ADZE_E_NOT_FOUND,
                        "parameter 'columns': the network has no input '%s'", name);
  }
  size_t own = count - (wish->target_input != ADZE_NONE ? 1 : 0);
  if (own != 1 && adze_param_string (host, wish->params, "input")[0])
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'input': the network has %zu inputs; columns = { INPUT = \"NAME\" } "
                      "says which takes what",
                      own);
  return ADZE_OK;
}

/* ---- Shapes. */

static inline adze_status
adze_feed_misfit (const adze_host *host, const adze_graph *graph, const adze_feed_slot *slot,
                  int32_t rank, const int64_t *shape, const char *why)
{
  char needed[160], found[160];
  adze_feed_shape (host, graph, rank, shape, needed, sizeof needed);
  adze_feed_column_text (host, &slot->column, found, sizeof found);
  return adze_fail (host, ADZE_E_FORMAT,
                    "the column '%s' does not fit '%s' of the network: an example is %s, and the "
                    "network has %s, whose first dimension counts examples; %s",
                    slot->column.name, slot->name, found, needed, why);
}

/* Whatever the column's shape, as many elements in the same order will do; a size that the network
 * leaves open is found from the others, or taken from the column. */
static inline adze_status
adze_feed_fit (const adze_host *host, const adze_graph *graph, adze_feed_slot *slot, int32_t rank,
               const int64_t *shape)
{
  const adze_column *column = &slot->column;
  size_t found = 1, known = 1;
  int32_t open = 0;
  for (int32_t i = 0; i < column->rank; i++)
    found *= (size_t)column->shape[i];
  slot->each = found;
  if (rank == 0 || column->rank + 1 > ADZE_GRAPH_RANK)
    return adze_feed_misfit (host, graph, slot, rank, shape,
                             "needed is a dimension that counts examples");
  if (rank < 0 || rank == column->rank + 1) {
    bool same = true;
    for (int32_t i = 0; i < column->rank; i++) {
      slot->shape[1 + i] = column->shape[i];
      same = same && (rank < 0 || shape[1 + i] < 0 || shape[1 + i] == column->shape[i]);
    }
    slot->view.rank = column->rank + 1;
    if (same)
      return ADZE_OK;
  }
  for (int32_t i = 1; i < rank; i++) {
    open += shape[i] < 0;
    known *= shape[i] < 0 ? 1 : (size_t)shape[i];
    slot->shape[i] = shape[i];
  }
  slot->view.rank = rank;
  if (open > 1)
    return adze_feed_misfit (host, graph, slot, rank, shape,
                             "needed are as many dimensions, since more than one size is open");
  if (known == 0 || found % known != 0 || (open == 0 && found != known))
    return adze_feed_misfit (host, graph, slot, rank, shape,
                             "needed are as many elements an example");
  for (int32_t i = 1; i < rank; i++)
    if (shape[i] < 0)
      slot->shape[i] = (int64_t)(found / known);
  return ADZE_OK;
}

/* Elements can become those of the network: numbers become floats, whole numbers whole ones. */
static inline adze_status
adze_feed_check_types (const adze_host *host, const adze_feed_slot *slot)
{
  const adze_dtype from = slot->column.dtype, to = slot->dtype;
  bool to_float = adze_dtype_is_float (to), same = adze_dtype_same (from, to);
  bool whole = from.code == ADZE_INT || from.code == ADZE_UINT || from.code == ADZE_BOOL;
  bool plain = !slot->column.is_text && adze_dtype_is_number (from);
  bool writes = to_float || adze_dtype_is_number (to);
  if (plain && writes && (same || to_float || whole))
    return ADZE_OK;
  char found[60], needed[60];
  adze_feed_column_text (host, &slot->column, found, sizeof found);
  adze_feed_type (to, needed, sizeof needed);
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "the column '%s' is %s, and '%s' of the network is %s: needed are %s",
                    slot->column.name, found, slot->name, needed,
                    to_float ? "numbers" : "whole numbers");
}

ADZE_END_DECLS

#endif
