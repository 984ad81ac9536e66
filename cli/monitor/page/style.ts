/**
 * Style of the status page.
 *
 * @module
 */

/** The style sheet. */
export const PAGE_CSS =
  `:root { color-scheme: light dark; --line: #8884; --sent: #c2571a; --received: #1a6fc2; --dim: #777; }
@media (prefers-color-scheme: dark) { :root { --sent: #f0965a; --received: #6cb2f5; --dim: #999; } }
body { font: 14px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 1rem 1.5rem; }
header { display: flex; align-items: baseline; gap: 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
#state { margin: 0; color: var(--dim); } #state.bad { color: #c22; font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem; margin-top: 1rem; }
.cards div { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .7rem; }
.cards b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; } .cards span { color: var(--dim); }
svg { width: 100%; height: 120px; border-bottom: 1px solid var(--line); }
path { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
path.sent { stroke: var(--sent); } path.received { stroke: var(--received); }
.legend { margin: 0; color: var(--dim); } .legend .sent { color: var(--sent); } .legend .received { color: var(--received); }
.legend .sent::before, .legend .received::before { content: "━ "; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 500; } .n { text-align: right; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; } .empty { color: var(--dim); }
`;
