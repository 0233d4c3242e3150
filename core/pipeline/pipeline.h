/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/pipeline.h: a pipeline as its file says, resolved against the plugins: components found,
 * parameters checked, ports bound. No model has been opened for it. docs/pipeline.md is the
 * reference of the language. */
#ifndef ADZE_PIPELINE_PIPELINE_H
#define ADZE_PIPELINE_PIPELINE_H

#include "pipeline/expression.h"
#include "base/match.h"
#include "plugin/manifest/params.h"
#include "plugin/runtime.h"

/* Where something comes from. */
typedef enum adze_origin {
  ADZE_FROM_NOWHERE = 0, /* an optional port that is bound to nothing */
  ADZE_FROM_INPUT,       /* input.NAME */
  ADZE_FROM_DATA,        /* data.NAME */
  ADZE_FROM_STAGE        /* STAGE.PORT */
} adze_origin;

typedef struct adze_binding {
  adze_origin origin;
  size_t number;      /* of the input, dataset or stage */
  const char *port;   /* of the stage; its out-port */
  const char *type;   /* of what flows */
  const adze_value *at; /* where the pipeline says so; NULL: by default */
} adze_binding;

typedef struct adze_pipeline_input {
  const char *name; /* "model" for [model] */
  const char *kind; /* artifact type */
  char *path;       /* absolute */
  const char *format; /* NULL: whichever recognises it */
  adze_value *settings; /* the format's parameters; NULL: none */
  const adze_value *table;
} adze_pipeline_input;

typedef struct adze_pipeline_data {
  const char *name;
  const char *use;
  bool shuffle;
  double first, last;
  uint64_t limit;       /* 0: all */
  adze_value *settings; /* the source's parameters; NULL: none */
  const adze_value *table;
} adze_pipeline_data;

typedef struct adze_pipeline_rule {
  const char *match;
  adze_pattern *pattern;
  bool skip;
  bool optional;
  adze_value *settings; /* the parameters that it sets; NULL: none */
  const adze_value *table;
} adze_pipeline_rule;

typedef struct adze_pipeline_stage {
  const char *id;
  const char *use;
  const adze_manifest_component *component;
  adze_plugin_record *record;
  /* One for each in-port, in the order of adze_manifest_ports; those that are no in-port are
   * FROM_NOWHERE. */
  adze_binding *bindings;
  size_t port_count;
  adze_pipeline_rule *rules;
  size_t rule_count;
  adze_expression *require; /* NULL: none */
  const char *backend;      /* NULL: the run's */
  int isolate;              /* 0: by trust; 1: yes; -1: no */
  int64_t time_limit_ms;
  uint64_t memory_limit;
  bool fallback_is_error;
  bool no_effect_is_error;
  adze_value *settings;     /* parameters alone, without what is the host's */
  const adze_value *table;
} adze_pipeline_stage;

typedef struct adze_pipeline_output {
  char *path; /* absolute */
  adze_binding from;
  const char *format; /* as written, or by the path's ending; NULL for what is no model */
  adze_value *settings; /* the format's parameters; NULL: none */
  const adze_value *table;
} adze_pipeline_output;

typedef struct adze_pipeline_observer {
  const char *use;
  adze_value *settings;
  const adze_value *table;
} adze_pipeline_observer;

/* A file that an observer writes. */
typedef struct adze_pipeline_written {
  char *path;           /* absolute */
  const adze_value *at; /* where the pipeline says so */
} adze_pipeline_written;

struct adze_pipeline {
  adze_runtime *runtime;
  /* After --set. Values that a --set put there say so (adze_value.origin), so that a complaint about
   * them, made by adze_document_error as ever, shows that. */
  adze_document document;
  adze_document **set_documents;
  size_t set_count;
  char *folder; /* of the file: relative paths are relative to it */
  const char *name;
  char *own_name; /* where the file gives none */
  uint64_t seed;
  const char *backend;      /* "ref" */
  const char *delegate;     /* "allow", "warn", "error" */
  uint64_t max_rss;         /* bytes; 0: none asked for */
  unsigned threads;         /* 0: as the runtime says */
  uint64_t structure_limit; /* bytes; 0: the default */
  adze_pipeline_input *inputs;
  size_t input_count;
  adze_pipeline_data *data;
  size_t data_count;
  adze_pipeline_observer *observers;
  size_t observer_count;
  adze_pipeline_stage *stages;
  size_t stage_count;
  adze_pipeline_output *outputs;
  size_t output_count;
  char **files; /* all that parameters read, absolute */
  size_t file_count;
  adze_pipeline_written *written;
  size_t written_count;
};

/* SETTINGS: "stage.qat.epochs=1" each, NULL-terminated; NULL: none. All that is wrong with the file
 * comes at once: one mistake as the error itself, several as parts (adze_error_part) of one, in the
 * order of the file. The caller holds the runtime's lock. */
ADZE_MUST_CHECK adze_error *adze_pipeline_read (adze_runtime *runtime, const char *path,
                                                const char *const *settings,
                                                adze_pipeline **pipeline);
/* The same for a copy that lies elsewhere: relative paths are relative to FOLDER. LOOKING: it ran
 * once and is only looked at, so that nobody need be able to write where it wrote. */
ADZE_MUST_CHECK adze_error *adze_pipeline_read_in (adze_runtime *runtime, const char *path,
                                                   const char *folder,
                                                   const char *const *settings, bool looking,
                                                   adze_pipeline **pipeline);
void adze_pipeline_free (adze_pipeline *pipeline);

/* Which rule holds for a tensor: the last one that matches; NULL: none. */
const adze_pipeline_rule *adze_pipeline_rule_for (const adze_pipeline_stage *stage,
                                                  const char *tensor);

#endif
