/* SPDX-License-Identifier: Apache-2.0 */
/* emotion-train: a classifier of Plutchik's eight emotions learns from texts with labels. */
#include "emotions.h"

#include <stdio.h>

static const adze_param params[] = {
  { .name = "text", .type = ADZE_PARAM_STRING, .preset = "text", .help = "the column of texts" },
  { .name = "labels", .type = ADZE_PARAM_STRING, .preset = "labels",
    .help = "the column of labels, which is text: none, one or more names of emotions, or numbers, between commas" },
  { .name = "numbers", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING,
    .preset = "[\"anger\", \"anticipation\", \"disgust\", \"fear\", \"joy\", \"sadness\", \"surprise\", \"trust\"]",
    .help = "which emotions labels that are numbers mean, from 1 on" },
  { .name = "buckets", .type = ADZE_PARAM_INT, .preset = "49152", .range = "[256, 4194304]",
    .help = "so many n-grams are told apart" },
  { .name = "words", .type = ADZE_PARAM_INT, .preset = "2", .range = "[0, 4]", .unit = "words",
    .help = "words that follow each other, up to so many; 0: none" },
  { .name = "pieces-from", .type = ADZE_PARAM_INT, .preset = "3", .range = "[1, 8]", .unit = "characters",
    .help = "pieces of words have at least so many characters" },
  { .name = "pieces-to", .type = ADZE_PARAM_INT, .preset = "5", .range = "[0, 8]", .unit = "characters",
    .help = "and at most so many; 0: there are no pieces" },
  { .name = "longest", .type = ADZE_PARAM_INT, .preset = "256", .range = "[16, 65536]", .unit = "n-grams",
    .help = "of a longer text those that weigh most are learnt from" },
  { .name = "epochs", .type = ADZE_PARAM_INT, .preset = "10", .range = "[1, 1000]", .help = "times that all rows are seen" },
  { .name = "batch", .type = ADZE_PARAM_INT, .preset = "256", .range = "[1, 8192]", .unit = "rows",
    .help = "rows of a step" },
  { .name = "rate", .type = ADZE_PARAM_FLOAT, .preset = "0.05", .range = "(0, 10]",
    .help = "of learning, when it begins; it falls to 0 along half a wave" },
  { .name = "decay", .type = ADZE_PARAM_FLOAT, .preset = "1e-5", .range = "[0, 1]",
    .help = "pulls weights towards 0" },
  { .name = "balance", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, 1]",
    .help = "how much more rows that have a rare emotion count; 1: as much as those that have it not" },
  { .name = "held-out", .type = ADZE_PARAM_FLOAT, .preset = "0.2", .range = "[0.01, 0.9]",
    .help = "share of the rows that is set aside for probabilities and thresholds" },
  { .name = "refit", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "with these it learns once more from all rows, those that were set aside among them" },
  { .name = "folds", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 100]",
    .help = "cross-validation with so many folds tells how good it is; 0: the rows that were set aside do" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1, .help = "texts with labels" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "the classifier" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT, .help = "how good it is, of each emotion" },
  { .name = NULL }
};

/* ---- Parameters. */

static adze_status
check_numbers (const adze_host *host, const adze_params *values)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *numbers = service->get_nested (values, "numbers");
  for (size_t i = 0; i < service->count (numbers); i++) {
    const char *name = service->get_string (numbers, service->name_at (numbers, i));
    if (adze_emotion_find (name, strlen (name)) == ADZE_EMOTIONS)
      return adze_fail (host, ADZE_E_PARAM,
                        "parameter 'numbers': '%s' is no emotion; known are joy, trust, fear, surprise, sadness, disgust, "
                        "anger and anticipation",
                        name);
  }
  return ADZE_OK;
}

/* An instance is its parameters, which are the host's. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  const int64_t from = adze_param_int (host, values, "pieces-from"), to = adze_param_int (host, values, "pieces-to");
  *instance = (void *)(uintptr_t)values;
  if (to == 0 && adze_param_is_given (host, values, "pieces-from"))
    return adze_fail (host, ADZE_E_PARAM, "parameter 'pieces-from' is given, and pieces-to = 0 says that there are none; "
                      "leave it out");
  if (to > 0 && from > to)
    return adze_fail (host, ADZE_E_PARAM, "parameter 'pieces-from' is %lld, and 'pieces-to' %lld, which is less",
                      (long long)from, (long long)to);
  if (to == 0 && adze_param_int (host, values, "words") == 0)
    return adze_fail (host, ADZE_E_PARAM, "words = 0 and pieces-to = 0 leave nothing of a text");
  if (adze_param_int (host, values, "folds") == 1)
    return adze_fail (host, ADZE_E_PARAM, "parameter 'folds' is 1, and nothing would be left to learn from; 2 at least, "
                      "or 0 for none");
  return check_numbers (host, values);
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

static void
read_settings (emo_run *r)
{
  const adze_host *host = r->host;
  emo_settings *s = &r->settings;
  s->ngrams.buckets = (uint32_t)adze_param_int (host, r->params, "buckets");
  s->ngrams.words = (uint32_t)adze_param_int (host, r->params, "words");
  s->ngrams.most = (uint32_t)adze_param_int (host, r->params, "pieces-to");
  s->ngrams.least = s->ngrams.most > 0 ? (uint32_t)adze_param_int (host, r->params, "pieces-from") : 0;
  s->folds = (uint32_t)adze_param_int (host, r->params, "folds");
  s->batch = (uint32_t)adze_param_int (host, r->params, "batch");
  s->epochs = (uint32_t)adze_param_int (host, r->params, "epochs");
  s->most = (uint32_t)adze_param_int (host, r->params, "longest");
  s->rate = adze_param_float (host, r->params, "rate");
  s->decay = adze_param_float (host, r->params, "decay");
  s->balance = adze_param_float (host, r->params, "balance");
  s->held_out = adze_param_float (host, r->params, "held-out");
  s->refit = adze_param_bool (host, r->params, "refit");
  r->jobs = (uint64_t)(s->folds + 1) * (s->refit ? 2 : 1);
}

/* ---- A run. */

/* A fold that was judged before the run was interrupted is not judged again. */
static adze_status
judge_fold (emo_run *r, uint32_t fold, adze_emotion_model *model, emo_tally *tally)
{
  char name[32];
  const void *data = NULL;
  size_t size = 0;
  snprintf (name, sizeof name, "fold.%u", fold);
  adze_status status = r->run->load (r->host, r->context, name, &data, &size);
  if (status != ADZE_OK)
    return status;
  if (size == sizeof *tally) {
    memcpy (tally, data, size);
    r->jobs_done += r->settings.refit ? 2 : 1;
    return ADZE_OK;
  }
  status = emo_course (r, fold, model, tally);
  return status == ADZE_OK ? r->run->save (r->host, r->context, name, tally, sizeof *tally) : status;
}

static adze_status
train_all (emo_run *r, adze_emotion_model *model, emo_tally *folds)
{
  const uint32_t count = r->settings.folds;
  emo_tally held = { .rows = 0 };
  adze_status status = emo_rows_read (r);
  if (status == ADZE_OK)
    status = emo_model_open (r, model);
  for (uint32_t f = 0; status == ADZE_OK && f < count; f++)
    status = judge_fold (r, f, model, &folds[f]);
  if (status == ADZE_OK)
    status = emo_course (r, count, model, &held);
  return status == ADZE_OK ? emo_give (r, model, &held, folds) : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  emo_run r = { .host = host,
                .params = (const adze_params *)instance,
                .run = adze_run_of (host),
                .graphs = adze_graph_of (host),
                .train = adze_train_of (host),
                .context = context };
  adze_emotion_model model = { .weights = NULL };
  if (!r.run || !r.graphs || !r.train)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s, no %s or no %s", ADZE_RUN, ADZE_GRAPH, ADZE_TRAIN);
  read_settings (&r);
  emo_tally *folds = (emo_tally *)host->allocate (host, (r.settings.folds + 1) * sizeof *folds);
  adze_status status = folds ? train_all (&r, &model, folds)
                             : adze_fail (host, ADZE_E_MEMORY, "no room for %u folds", r.settings.folds);
  host->release (host, folds);
  adze_emotion_close (host, &model);
  emo_rows_close (&r);
  return status;
}

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "emotion-train",
  .summary = "Trains a classifier of Plutchik's eight emotions on texts with labels",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "emotion-train",
  .version = "0.1.0",
  .summary = "Which emotions are in a text",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (emotion_train, plugin);
