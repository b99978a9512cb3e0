import { labelsFrom, quote } from '../model/labels.ts'
import type { Config, GlobalConfig, Job, Params, TargetGroup } from './config.ts'
import { metaLabels } from './url.ts'
import { YamlText, type Value } from './yaml.ts'

const defaultIntervalMs = 60_000
const defaultTimeoutMs = 10_000
// Escapes can write what is no text.
const loneSurrogate = /\p{Surrogate}/u
// Aliases let a short text name a group many times over.
const mostTargets = 100_000

// What Prometheus 3.14 knows and Brazier does not do yet (upstream's config/config.go).
const later = {
  config:
    'runtime rule_files scrape_config_files alerting storage tracing remote_write remote_read otlp'.split(
      ' ',
    ),
  global: (
    'scrape_protocols evaluation_interval rule_query_offset query_log_file scrape_failure_log_file body_size_limit ' +
    'sample_limit target_limit label_limit label_name_length_limit label_value_length_limit keep_dropped_targets ' +
    'metric_name_validation_scheme metric_name_escaping_scheme scrape_native_histograms ' +
    'convert_classic_histograms_to_nhcb always_scrape_classic_histograms extra_scrape_metrics'
  ).split(' '),
  job: (
    'track_timestamps_staleness scrape_protocols fallback_scrape_protocol scrape_native_histograms ' +
    'always_scrape_classic_histograms convert_classic_histograms_to_nhcb enable_compression scrape_failure_log_file ' +
    'body_size_limit sample_limit target_limit label_limit label_name_length_limit label_value_length_limit ' +
    'native_histogram_bucket_limit native_histogram_min_bucket_factor keep_dropped_targets ' +
    'metric_name_validation_scheme metric_name_escaping_scheme extra_scrape_metrics relabel_configs ' +
    'metric_relabel_configs basic_auth authorization oauth2 bearer_token bearer_token_file follow_redirects ' +
    'enable_http2 tls_config http_headers proxy_url no_proxy proxy_from_environment proxy_connect_header ' +
    'azure_sd_configs consul_sd_configs digitalocean_sd_configs dns_sd_configs docker_sd_configs ' +
    'dockerswarm_sd_configs ec2_sd_configs eureka_sd_configs file_sd_configs gce_sd_configs hetzner_sd_configs ' +
    'http_sd_configs ionos_sd_configs kubernetes_sd_configs kuma_sd_configs lightsail_sd_configs linode_sd_configs ' +
    'marathon_sd_configs nerve_sd_configs nomad_sd_configs openstack_sd_configs ovhcloud_sd_configs ' +
    'puppetdb_sd_configs scaleway_sd_configs serverset_sd_configs triton_sd_configs uyuni_sd_configs vultr_sd_configs'
  ).split(' '),
}

/** Reads a `prometheus.yml`. Messages are Prometheus's where it has one.
 *  @throws SyntaxProblem where the text is not YAML or not a configuration */
export function parseConfig(text: string): Config {
  const root = new YamlText(text).root.fields('config.Config', ['global', 'scrape_configs'], later.config)
  const global = readGlobal(root.global)
  const entries = root.scrape_configs.items()
  const jobs = entries.map(entry => readJob(entry, global))
  checkNames(entries, jobs)
  checkCount(root.scrape_configs, jobs)
  return { global, jobs }
}

function readGlobal(value: Value): GlobalConfig {
  const names = ['scrape_interval', 'scrape_timeout', 'external_labels'] as const
  const fields = value.fields('config.GlobalConfig', names, later.global)
  const intervalMs = fields.scrape_interval.duration() || defaultIntervalMs
  const timeoutMs = fields.scrape_timeout.duration()
  if (timeoutMs > intervalMs) fields.scrape_timeout.fail('global scrape timeout greater than scrape interval')
  return {
    intervalMs,
    timeoutMs: timeoutMs || Math.min(defaultTimeoutMs, intervalMs),
    externalLabels: labelsFrom(Object.entries(readLabels(fields.external_labels))),
  }
}

const jobFields = [
  'job_name',
  'scrape_interval',
  'scrape_timeout',
  'metrics_path',
  'scheme',
  'params',
  'honor_labels',
  'honor_timestamps',
  'static_configs',
] as const

function readJob(value: Value, global: GlobalConfig): Job {
  if (value.absent) value.fail('empty or null scrape config section')
  const fields = value.fields('config.ScrapeConfig', jobFields, later.job)
  const name = fields.job_name.string()
  if (name === '') fields.job_name.fail('job_name is empty')
  const intervalMs = fields.scrape_interval.duration() || global.intervalMs
  const timeoutMs = fields.scrape_timeout.duration()
  if (timeoutMs > intervalMs) {
    const job = `scrape config with job name ${quote(name)}`
    fields.scrape_timeout.fail(`scrape timeout greater than scrape interval for ${job}`)
  }
  return {
    name,
    intervalMs,
    timeoutMs: timeoutMs || Math.min(global.timeoutMs, intervalMs),
    metricsPath: fields.metrics_path.string() || '/metrics',
    scheme: readScheme(fields.scheme),
    params: readParams(fields.params),
    honorLabels: fields.honor_labels.boolean(false),
    honorTimestamps: fields.honor_timestamps.boolean(true),
    staticConfigs: fields.static_configs.items().map(readGroup),
  }
}

function readScheme(value: Value): 'http' | 'https' {
  const scheme = value.string() || 'http'
  if (scheme === 'http' || scheme === 'https') return scheme
  return value.fail(`want scheme http or https, have ${quote(scheme)}`)
}

function readParams(value: Value): Params {
  const params = value
    .entries()
    .map(([name, , values]) => [name, values.items().map(item => item.string())] as const)
  return Object.fromEntries(params)
}

function readGroup(value: Value): TargetGroup {
  if (value.absent) value.fail('empty or null section in static_configs')
  const fields = value.fields('struct', ['targets', 'labels'])
  const targets = fields.targets.items().map(readAddress)
  const labels = readLabels(fields.labels)
  const scheme = labels[metaLabels.scheme] || 'http'
  if (scheme !== 'http' && scheme !== 'https') {
    fields.labels.fail(`want scheme http or https, have ${quote(scheme)}`)
  }
  const proxied = labels[metaLabels.proxy] ?? 'false'
  if (!/^(true|false)$/.test(proxied)) {
    fields.labels.fail(`want "true" or "false" for ${metaLabels.proxy}, have ${quote(proxied)}`)
  }
  const own = ['__scrape_interval__', '__scrape_timeout__'].find(name => name in labels)
  if (own) fields.labels.fail(`label ${own} is not supported yet`)
  return { targets, labels }
}

/** An address is a host and, mostly, a port; a path or a whole URL is the usual mistake. */
function readAddress(value: Value): string {
  const address = value.string()
  if (address === '') value.fail('no address')
  if (/[/\s?#@\\]/.test(address)) value.fail(`${quote(address)} is not a valid hostname`)
  return address
}

function readLabels(value: Value): Record<string, string> {
  const labels = value.entries().map(([name, key, text]) => {
    if (name === '' || loneSurrogate.test(name)) key.fail(`${quote(name)} is not a valid label name`)
    const label = text.string()
    if (loneSurrogate.test(label)) text.fail(`${quote(label)} is not a valid label value`)
    return [name, label] as const
  })
  return Object.fromEntries(labels)
}

function checkNames(entries: readonly Value[], jobs: readonly Job[]): void {
  const seen = new Set<string>()
  jobs.forEach(({ name }, i) => {
    if (seen.has(name)) entries[i]?.fail(`found multiple scrape configs with job name ${quote(name)}`)
    seen.add(name)
  })
}

function checkCount(value: Value, jobs: readonly Job[]): void {
  const groups = jobs.flatMap(job => job.staticConfigs)
  const count = groups.reduce((sum, group) => sum + group.targets.length, 0)
  if (count > mostTargets) value.fail(`want at most ${mostTargets} targets, have ${count}`)
}
