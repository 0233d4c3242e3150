/* SPDX-License-Identifier: Apache-2.0 */
/* What the parameters of distill say, and what they say to each other. */
#include "distill.h"

static const struct distill_map {
  distill_kind kind;
  const char *param, *weights;
} maps[] = {
  { DISTILL_FEATURE, "feature-map", "feature" },
  { DISTILL_ATTENTION, "attention-map", "attention" },
  { DISTILL_RELATION, "relation-map", "distance' and 'angle" },
};

enum { MAPS = sizeof maps / sizeof maps[0] };

const char *
distill_kind_name (distill_kind kind)
{
  static const char *const names[] = { "soft", "feature", "attention", "relation" };
  return names[kind];
}

static size_t
entries_of (const adze_host *host, const adze_params *params, const char *list)
{
  const adze_params_service *service = adze_params_of (host);
  return service->count (service->get_nested (params, list));
}

static const char *
entry_at (const adze_host *host, const adze_params *params, const char *list, size_t index)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *entries = service->get_nested (params, list);
  return service->get_string (entries, service->name_at (entries, index));
}

/* ---- Maps: "STUDENT -> VALUE", and "STUDENT -> teacher2: VALUE" of another teacher than the first. */

static const char *const ports[DISTILL_TEACHERS] = { "teacher", "teacher2", "teacher3", "teacher4" };

/* Without the spaces around it. */
static bool
take_word (const char *from, size_t size, char *into)
{
  while (size > 0 && *from == ' ') {
    from++;
    size--;
  }
  while (size > 0 && from[size - 1] == ' ')
    size--;
  if (size == 0 || size >= DISTILL_NAME)
    return false;
  memcpy (into, from, size);
  into[size] = '\0';
  return true;
}

/* *PORT: the number among all ports of teachers. */
static adze_status
parse_entry (const adze_host *host, const char *param, const char *text, distill_want *want, size_t *port)
{
  const char *arrow = strstr (text, "->"), *right = arrow ? arrow + 2 : NULL;
  *port = 0;
  for (size_t i = 0; right && i < DISTILL_TEACHERS; i++) {
    const char *at = right + strspn (right, " ");
    size_t size = strlen (ports[i]);
    if (strncmp (at, ports[i], size) == 0 && at[size] == ':') {
      *port = i;
      right = at + size + 1;
      break;
    }
  }
  if (arrow && take_word (text, (size_t)(arrow - text), want->student)
      && take_word (right, strlen (right), want->value))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter '%s': \"%s\" is no pair; needed is \"STUDENT'S VALUE -> TEACHER'S VALUE\", "
                    "the latter with \"teacher2: \" in front of it where it is another teacher's than the "
                    "first one's",
                    param, text);
}

static double
weight_of_map (const adze_host *host, const adze_params *params, const struct distill_map *map)
{
  return map->kind == DISTILL_RELATION
             ? adze_param_float (host, params, "distance") + adze_param_float (host, params, "angle")
             : adze_param_float (host, params, map->weights);
}

static adze_status
check_map (const adze_host *host, const adze_params *params, const struct distill_map *map)
{
  size_t count = entries_of (host, params, map->param), port;
  double weight = weight_of_map (host, params, map);
  distill_want want;
  adze_status status = ADZE_OK;
  if (weight > 0 && count == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter '%s' is empty, and '%s' is %g: which value of the student is to be like "
                      "which of the teacher's? Needed is %s = [\"STUDENT'S -> TEACHER'S\"]",
                      map->param, map->weights, weight, map->param);
  if (weight == 0 && count > 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter '%s' plays no part, since '%s' is 0; give that a weight, or leave the map "
                      "out",
                      map->param, map->weights);
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = parse_entry (host, map->param, entry_at (host, params, map->param, i), &want, &port);
  return status;
}

/* ---- What is wrong before anything is opened. */

static adze_status
check_soft (const adze_host *host, const adze_params *params)
{
  double soft = adze_param_float (host, params, "soft");
  double temperature = adze_param_float (host, params, "temperature");
  const char *loss = adze_param_string (host, params, "loss");
  bool divergence = strcmp (loss, "kl") == 0;
  if (soft > 0 && !divergence && strcmp (loss, "cross-entropy") != 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'soft' is %g, and loss = \"%s\" is not of classes, whose probabilities it "
                      "compares; say soft = 0, or loss = \"cross-entropy\"",
                      soft, loss);
  if (soft == 0 && !divergence && adze_param_is_given (host, params, "temperature"))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'temperature' is %g, and plays no part: 'soft' is 0, and 'loss' is not \"kl\"",
                      temperature);
  if (soft == 0 && adze_param_is_given (host, params, "teacher-weights"))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'teacher-weights' plays no part, since 'soft' is 0: it is of the teachers' "
                      "probabilities");
  return ADZE_OK;
}

static adze_status
check_hard (const adze_host *host, const adze_params *params)
{
  if (adze_param_float (host, params, "hard") == 0 && adze_param_is_given (host, params, "label-smoothing")
      && !adze_param_bool (host, params, "baseline"))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'label-smoothing' is %g, and plays no part: 'hard' is 0",
                      adze_param_float (host, params, "label-smoothing"));
  return ADZE_OK;
}

/* One distance is its own mean, and two make no angle: students of all kinds would be alike. */
static adze_status
check_relation (const adze_host *host, const adze_params *params)
{
  static const char *const weights[] = { "distance", "angle" };
  long long batch = (long long)adze_param_int (host, params, "batch");
  for (size_t i = 0; batch < 3 && i < sizeof weights / sizeof weights[0]; i++)
    if (adze_param_float (host, params, weights[i]) > 0)
      return adze_fail (host, ADZE_E_PARAM,
                        "parameter '%s' is %g, and plays no part: 'batch' is %lld, and how examples lie to each other is "
                        "told from three or more; needed is such a 'batch', or %s = 0",
                        weights[i], adze_param_float (host, params, weights[i]), batch, weights[i]);
  return ADZE_OK;
}

static adze_status
check_weights (const adze_host *host, const adze_params *params)
{
  static const char *const weights[] = { "soft", "feature", "attention", "distance", "angle" };
  double sum = 0;
  for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++)
    sum += adze_param_float (host, params, weights[i]);
  if (sum > 0)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "nothing would be learnt from a teacher: 'soft', 'feature', 'attention', 'distance' and "
                    "'angle' are all 0; give one of them a weight, or use the technique train");
}

adze_status
distill_check_params (const adze_host *host, const adze_params *params)
{
  adze_status status = adze_lesson_check_params_but (host, params, "temperature");
  if (status == ADZE_OK)
    status = check_weights (host, params);
  if (status == ADZE_OK)
    status = check_soft (host, params);
  if (status == ADZE_OK)
    status = check_hard (host, params);
  if (status == ADZE_OK)
    status = check_relation (host, params);
  for (size_t i = 0; status == ADZE_OK && i < MAPS; i++)
    status = check_map (host, params, &maps[i]);
  if (status == ADZE_OK && weight_of_map (host, params, &maps[0]) == 0
      && adze_param_is_given (host, params, "projection"))
    status = adze_fail (host, ADZE_E_PARAM,
                        "parameter 'projection' plays no part, since 'feature' is 0: it is of features");
  return status;
}

/* ---- Read, once it is known what is bound. */

/* The number among the teachers that are bound of port number PORT. */
static adze_status
find_teacher (const distill *d, const char *param, size_t port, size_t *number)
{
  for (size_t i = 0; i < d->teacher_count; i++)
    if (strcmp (d->teachers[i].port, ports[port]) == 0) {
      *number = i;
      return ADZE_OK;
    }
  return adze_fail (d->host, ADZE_E_PARAM,
                    "parameter '%s' names the teacher '%s', and nothing is bound to that port: say inputs = "
                    "{ %s = \"input.NAME\" }",
                    param, ports[port], ports[port]);
}

static adze_status
read_map (distill *d, const struct distill_map *map)
{
  size_t count = entries_of (d->host, d->params, map->param), port;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    distill_want *want = &d->wants[d->want_count++];
    memset (want, 0, sizeof *want);
    want->kind = map->kind;
    status = parse_entry (d->host, map->param, entry_at (d->host, d->params, map->param, i), want, &port);
    if (status == ADZE_OK)
      status = find_teacher (d, map->param, port, &want->teacher);
  }
  return status;
}

/* The weights of teachers, so that they are 1 together. */
static adze_status
read_teacher_weights (distill *d)
{
  const adze_params_service *service = adze_params_of (d->host);
  const adze_params *list = service->get_nested (d->params, "teacher-weights");
  size_t count = service->count (list);
  double sum = 0;
  if (count > 0 && (count != d->teacher_count || count == 1))
    return adze_fail (d->host, ADZE_E_PARAM,
                      "parameter 'teacher-weights' has %zu numbers, and there %s %zu teacher%s; needed is one for "
                      "each of several",
                      count, d->teacher_count == 1 ? "is" : "are", d->teacher_count,
                      d->teacher_count == 1 ? "" : "s");
  for (size_t i = 0; i < d->teacher_count; i++) {
    double weight = count ? service->get_float (list, service->name_at (list, i)) : 1;
    d->teachers[i].weight = weight;
    sum += weight;
  }
  if (!(sum > 0))
    return adze_fail (d->host, ADZE_E_PARAM, "parameter 'teacher-weights': all of them are 0");
  for (size_t i = 0; i < d->teacher_count; i++)
    d->teachers[i].weight /= sum;
  return ADZE_OK;
}

/* A teacher that nobody asks anything is one too many. */
static adze_status
check_asked (const distill *d)
{
  for (size_t i = 0; i < d->teacher_count; i++) {
    bool asked = d->soft > 0 && d->teachers[i].weight > 0;
    for (size_t k = 0; k < d->want_count; k++)
      asked = asked || (d->wants[k].kind != DISTILL_SOFT && d->wants[k].teacher == i);
    if (!asked)
      return adze_fail (d->host, ADZE_E_PARAM,
                        "nothing is asked of the teacher at the port '%s': 'soft', or its weight, is 0, and no map "
                        "names it",
                        d->teachers[i].port);
  }
  return ADZE_OK;
}

static void
read_weights (distill *d)
{
  const adze_host *host = d->host;
  d->hard = adze_param_float (host, d->params, "hard");
  d->soft = adze_param_float (host, d->params, "soft");
  d->feature = adze_param_float (host, d->params, "feature");
  d->attention = adze_param_float (host, d->params, "attention");
  d->distance = adze_param_float (host, d->params, "distance");
  d->angle = adze_param_float (host, d->params, "angle");
  d->temperature = adze_param_float (host, d->params, "temperature");
  d->cached = adze_param_bool (host, d->params, "cache");
}

static adze_status
find_bound (distill *d)
{
  for (size_t i = 0; i < DISTILL_TEACHERS; i++) {
    adze_artifact *model = d->run->input (d->host, d->context, ports[i]);
    if (!model)
      continue;
    distill_teacher *teacher = &d->teachers[d->teacher_count++];
    teacher->port = ports[i];
    teacher->model = model;
  }
  d->labelled = d->run->input (d->host, d->context, "labelled");
  if (d->teacher_count == 0)
    return adze_fail (d->host, ADZE_E_NOT_FOUND, "nothing is bound to its port 'teacher'");
  if (!d->labelled)
    return ADZE_OK;
  if (d->hard == 0 && !adze_param_bool (d->host, d->params, "baseline"))
    return adze_fail (d->host, ADZE_E_PARAM,
                      "the port 'labelled' says which labels count, and 'hard' is 0: none does; give it a weight, "
                      "or bind nothing");
  if (strcmp (adze_param_string (d->host, d->params, "loss"), "cross-entropy") != 0)
    return adze_fail (d->host, ADZE_E_UNSUPPORTED,
                      "the port 'labelled' is bound, and with loss = \"%s\" labels of some examples cannot count "
                      "alone; needed is loss = \"cross-entropy\"",
                      adze_param_string (d->host, d->params, "loss"));
  return ADZE_OK;
}

adze_status
distill_read_settings (distill *d)
{
  size_t most = 1;
  read_weights (d);
  adze_status status = find_bound (d);
  if (status == ADZE_OK)
    status = read_teacher_weights (d);
  for (size_t i = 0; i < MAPS; i++)
    most += entries_of (d->host, d->params, maps[i].param);
  d->wants = (distill_want *)d->host->allocate (d->host, most * sizeof *d->wants);
  if (!d->wants)
    return adze_fail (d->host, ADZE_E_MEMORY, "no room for what is said of %zu values", most);
  if (d->soft > 0) {
    memset (&d->wants[0], 0, sizeof d->wants[0]);
    d->want_count = 1;
  }
  for (size_t i = 0; status == ADZE_OK && i < MAPS; i++)
    status = read_map (d, &maps[i]);
  return status == ADZE_OK ? check_asked (d) : status;
}
