/**
 * Markup of the status page.
 *
 * @module
 */

/** The page. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>gssocks</title>
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
<header><h1>gssocks</h1><p id="state" role="status">…</p></header>
<section class="cards" id="cards"></section>
<section>
  <h2>Throughput</h2>
  <p class="legend"><span class="received">to clients</span> <span class="sent">to targets</span> <span id="peak"></span></p>
  <svg id="chart" viewBox="0 0 600 120" preserveAspectRatio="none" role="img" aria-label="Bytes in each second"></svg>
</section>
<section>
  <h2>Sessions</h2>
  <table id="sessions"><thead><tr><th>#<th>User<th>Client<th>Command<th>Destination<th>Protection<th class="n">Sent<th class="n">Received<th class="n">Rate<th class="n">Age</thead><tbody></tbody></table>
  <p class="empty" id="no-sessions">No sessions.</p>
</section>
<section>
  <h2>Refused</h2>
  <table id="denials"><thead><tr><th>When<th>Client<th>User<th>Destination<th>Reason</thead><tbody></tbody></table>
  <p class="empty" id="no-denials">No refusals.</p>
</section>
</html>
`;
