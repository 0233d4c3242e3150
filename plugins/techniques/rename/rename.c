/* SPDX-License-Identifier: Apache-2.0 */
/* rename: tensors under other names, their bytes untouched. */
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "names", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_STRING, .preset = "{}",
    .help = "new names by old ones; a tensor that stands here keeps clear of the prefixes" },
  { .name = "prefix-from", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "what the names that are to change begin with; empty: all of them" },
  { .name = "prefix-to", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "what they begin with afterwards in its place" },
  { .name = "unmatched", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|ignore",
    .help = "what becomes of a name or a prefix that no tensor has" },
  { .name = NULL }
};

/* A longer name than any format of ours takes. */
enum { NAME_MOST = 4096 };

typedef struct renaming {
  const adze_host *host;
  adze_outline *outline;
  const adze_outline_service *service;
  uint32_t count;
  const char **old_names;  /* of all tensors, in order */
  char **new_names;        /* NULL: it keeps its name */
  const char **sorted;     /* the names that there are: first the old ones, then the new ones */
  const adze_params *seen; /* the parameters that were checked last */
} renaming;

static int
by_name (const void *left, const void *right)
{
  return strcmp (*(const char *const *)left, *(const char *const *)right);
}

static bool
is_there (const renaming *r, const char *name)
{
  return bsearch (&name, r->sorted, r->count, sizeof *r->sorted, by_name) != NULL;
}

static adze_status
begin (renaming *r)
{
  size_t room = (size_t)r->count + 1;
  r->old_names = (const char **)r->host->allocate (r->host, room * sizeof *r->old_names);
  r->new_names = (char **)r->host->allocate (r->host, room * sizeof *r->new_names);
  r->sorted = (const char **)r->host->allocate (r->host, room * sizeof *r->sorted);
  if (!r->old_names || !r->new_names || !r->sorted)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for the names of %u tensors", r->count);
  for (uint32_t i = 0; i < r->count; i++) {
    adze_pick pick = { 0, i };
    r->old_names[i] = r->sorted[i] = r->service->tensor (r->host, r->outline, pick)->name;
  }
  qsort (r->sorted, r->count, sizeof *r->sorted, by_name);
  return ADZE_OK;
}

static void
end (renaming *r)
{
  for (uint32_t i = 0; r->new_names && i < r->count; i++)
    if (r->new_names[i])
      r->host->release (r->host, r->new_names[i]);
  if (r->old_names)
    r->host->release (r->host, r->old_names);
  if (r->new_names)
    r->host->release (r->host, r->new_names);
  if (r->sorted)
    r->host->release (r->host, r->sorted);
}

/* Is there anything that these parameters speak of? What matches nothing is mostly misspelt, and
 * would be found out much later. */
static adze_status
check_matches (const renaming *r, const adze_params *values)
{
  const adze_host *host = r->host;
  if (strcmp (adze_param_string (host, values, "unmatched"), "ignore") == 0)
    return ADZE_OK;
  const adze_params_service *service = adze_params_of (host);
  const adze_params *names = service->get_nested (values, "names");
  for (size_t i = 0; i < service->count (names); i++)
    if (!is_there (r, service->name_at (names, i)))
      return adze_fail (host, ADZE_E_NOT_FOUND,
                        "parameter 'names': there is no tensor '%s'; `adze show` lists the names, "
                        "and with unmatched = \"ignore\" it need not be there",
                        service->name_at (names, i));
  const char *prefix = adze_param_string (host, values, "prefix-from");
  for (uint32_t i = 0; prefix[0] && i < r->count; i++)
    if (strncmp (r->old_names[i], prefix, strlen (prefix)) == 0)
      return ADZE_OK;
  return !prefix[0] ? ADZE_OK
                    : adze_fail (host, ADZE_E_NOT_FOUND,
                                 "parameter 'prefix-from': the name of no tensor begins with '%s'; "
                                 "say unmatched = \"ignore\" if none need do so",
                                 prefix);
}

/* Is NAME one of the map? Asking for an entry that is not there would be a fault of ours. */
static const char *
mapped (const adze_host *host, const adze_params *values, const char *name)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *names = service->get_nested (values, "names");
  for (size_t i = 0; i < service->count (names); i++)
    if (strcmp (service->name_at (names, i), name) == 0)
      return service->get_string (names, name);
  return NULL;
}

/* HEAD and TAIL, one behind the other, as the new name of tensor INDEX. */
static adze_status
take_name (renaming *r, uint32_t index, const char *head, const char *tail)
{
  size_t head_size = strlen (head), tail_size = strlen (tail);
  if (head_size + tail_size == 0)
    return adze_fail (r->host, ADZE_E_PARAM, "tensor '%s' would have no name at all",
                      r->old_names[index]);
  if (head_size + tail_size > NAME_MOST)
    return adze_fail (r->host, ADZE_E_LIMIT, "the new name of '%s' would be longer than %d bytes",
                      r->old_names[index], NAME_MOST);
  char *name = (char *)r->host->allocate (r->host, head_size + tail_size + 1);
  if (!name)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for a name");
  memcpy (name, head, head_size);
  memcpy (name + head_size, tail, tail_size);
  r->new_names[index] = name;
  return ADZE_OK;
}

static adze_status
name_one (renaming *r, uint32_t index)
{
  adze_pick pick = { 0, index };
  const adze_params *values = r->service->params (r->host, r->outline, pick);
  if (values != r->seen) {
    adze_status status = check_matches (r, values);
    if (status != ADZE_OK)
      return status;
    r->seen = values;
  }
  const char *old = r->old_names[index];
  const char *exact = mapped (r->host, values, old);
  if (exact)
    return strcmp (exact, old) == 0 ? ADZE_OK : take_name (r, index, exact, "");
  const char *from = adze_param_string (r->host, values, "prefix-from");
  const char *to = adze_param_string (r->host, values, "prefix-to");
  if (strcmp (from, to) == 0 || strncmp (old, from, strlen (from)) != 0)
    return ADZE_OK;
  return take_name (r, index, to, old + strlen (from));
}

/* Two tensors would be called NAME; at the entry that says so for one of them, if there is one. */
static adze_status
refuse_twins (const renaming *r, const char *name)
{
  const char *both[2] = { "", "" }, *given = NULL;
  for (uint32_t k = 0, found = 0; k < r->count && found < 2; k++) {
    if (strcmp (r->new_names[k] ? r->new_names[k] : r->old_names[k], name) != 0)
      continue;
    both[found++] = r->old_names[k];
    if (mapped (r->host, r->service->params (r->host, r->outline, (adze_pick){ 0, k }),
                r->old_names[k]))
      given = r->old_names[k];
  }
  return adze_fail (r->host, ADZE_E_DUPLICATE,
                    "%s%s%stensors '%s' and '%s' would both be called '%s'; give one of them "
                    "another name",
                    given ? "parameter 'names' of tensor '" : "", given ? given : "",
                    given ? "': " : "", both[0], both[1], name);
}

/* All names as they will be, each once. */
static adze_status
check_collisions (renaming *r)
{
  for (uint32_t i = 0; i < r->count; i++)
    r->sorted[i] = r->new_names[i] ? r->new_names[i] : r->old_names[i];
  qsort (r->sorted, r->count, sizeof *r->sorted, by_name);
  for (uint32_t i = 1; i < r->count; i++) {
    if (strcmp (r->sorted[i - 1], r->sorted[i]) != 0)
      continue;
    return refuse_twins (r, r->sorted[i]);
  }
  return ADZE_OK;
}

static adze_status
add_group (const renaming *r, uint32_t index)
{
  adze_pick pick = { 0, index };
  adze_tensor_meta meta = *r->service->tensor (r->host, r->outline, pick);
  meta.struct_size = sizeof meta;
  meta.name = r->new_names[index];
  adze_group group = { .struct_size = sizeof group,
                       .input_count = 1,
                       .inputs = &pick,
                       .outputs = &meta,
                       .output_count = 1,
                       .meta_size = sizeof meta,
                       .same_bytes = 1,
                       .note = "renamed" };
  return r->service->group (r->host, r->outline, &group);
}

static adze_status
name_all (renaming *r)
{
  adze_status status = begin (r);
  for (uint32_t i = 0; status == ADZE_OK && i < r->count; i++)
    status = name_one (r, i);
  if (status == ADZE_OK)
    status = check_collisions (r);
  for (uint32_t i = 0; status == ADZE_OK && i < r->count; i++)
    if (r->new_names[i])
      status = add_group (r, i);
  return status;
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  (void)instance;
  const adze_outline_service *service = adze_outline_of (host);
  renaming r = { .host = host,
                 .outline = outline,
                 .service = service,
                 .count = service->count (host, outline, 0) };
  adze_status status = name_all (&r);
  end (&r);
  return status;
}

static const char *const preserves[] = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK,
                                         ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .preserves = preserves,
  .describe = describe,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "rename",
  .summary = "Gives tensors other names",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "rename",
  .version = "0.1.0",
  .summary = "Names of tensors",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (rename, plugin);
