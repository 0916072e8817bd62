// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright 2026 The Outcall authors
// The same conditions and context as bench-cel.c, on another engine.
// Arguments: folder with node_modules, engine.
import {createRequire} from 'node:module'
import {pathToFileURL} from 'node:url'

const conditions = {
  a: 'dns.query == "api.openai.com"',
  b: 'http.host == "api.github.com" && http.method == "GET" && http.path.startsWith("/repos/")',
  c: 'dns.query == "github.com" || dns.query == "api.github.com"' +
     ' || dns.query.endsWith(".githubusercontent.com")',
  d: '["github.com", "gitlab.com", "codeberg.org", "api.github.com", "sr.ht"]' +
     '.exists(h, h == http.host) && network.port == 443'
}
const expected = {a: false, b: true, c: true, d: true}
const network = {hostname: 'api.github.com', ip: '140.82.112.5', port: 443n, protocol: 'tcp'}
const http = {method: 'GET', path: '/repos/a/b', host: 'api.github.com', scheme: 'https'}
const dns = {query: 'api.github.com', record_type: 'A'}
// Many short rounds, of which the best counts.
const limit = process.env.BENCH_QUICK ? 10 : 1500 // ms for each condition
const evaluations = 2000

function declare(type, value) {
  const C = class { constructor() { Object.assign(this, value) } }
  const fields = Object.entries(value).map(([k, v]) => [k, typeof v === 'bigint' ? 'int' : 'string'])
  return {name: type, type: {ctor: C, fields: Object.fromEntries(fields)}, value: new C()}
}

// Each engine: from its module, a function that compiles a condition into one that evaluates it.
const engines = {
  // With declared types, which it checks and uses.
  '@marcbachmann/cel-js': ({Environment}) => {
    const declared = {network: declare('Network', network), http: declare('Http', http),
      dns: declare('Dns', dns)}
    const env = new Environment()
    const context = {}
    for (const [variable, d] of Object.entries(declared)) {
      env.registerType(d.name, d.type).registerVariable(variable, d.name)
      context[variable] = d.value
    }
    return source => {
      const program = env.parse(source)
      return () => program(context)
    }
  },
  '@bufbuild/cel': ({celEnv, parse, plan}) => {
    const env = celEnv()
    const context = {network: new Map(Object.entries(network)), http: new Map(Object.entries(http)),
      dns: new Map(Object.entries(dns))}
    return source => {
      const program = plan(env, parse(source))
      return () => program(context)
    }
  }
}

const [folder, engine] = process.argv.slice(2)
const file = createRequire(folder + '/').resolve(engine)
const compile = engines[engine](await import(pathToFileURL(file).href))

for (const [name, source] of Object.entries(conditions)) {
  const evaluate = compile(source)
  let best = Infinity
  for (const end = performance.now() + limit; performance.now() < end;) {
    const begin = process.hrtime.bigint()
    for (let i = 0; i < evaluations; i++)
      if (evaluate() !== expected[name]) throw new Error(`condition ${name}`)
    best = Math.min(best, Number(process.hrtime.bigint() - begin) / evaluations)
  }
  console.log(`${name} ${best.toFixed(1)}`)
}
