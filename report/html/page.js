'use strict';
(() => {
  const make = (name, props, ...children) => {
    const e = Object.assign(document.createElement(name), props);
    e.append(...children);
    return e;
  };

  // Theme: what the system says, or one of the two.
  const theme = document.getElementById('theme');
  const themes = ['auto', 'light', 'dark'];
  const root = document.documentElement;
  const showTheme = () => { theme.textContent = 'Theme: ' + (root.dataset.theme || 'auto'); theme.setAttribute('aria-label', theme.textContent + '. Change'); };
  theme.hidden = false;
  showTheme();
  theme.addEventListener('click', () => {
    const next = themes[(themes.indexOf(root.dataset.theme || 'auto') + 1) % 3];
    if (next === 'auto') delete root.dataset.theme; else root.dataset.theme = next;
    try { localStorage.setItem('popscope-theme', next); } catch (e) { /* it lasts as long as the page */ }
    showTheme();
  });

  // A listing is a table or a list of details of which a page is shown at
  // a time. All its rows came with the file; those that are not shown are
  // kept out of the document.
  class Listing {
    constructor(el) {
      this.el = el;
      this.table = el.tagName === 'TABLE';
      this.body = this.table ? el.tBodies[0] : el;
      this.all = Array.from(this.body.children);
      this.hits = this.all;
      this.size = Number(el.dataset.page) || 50;
      this.page = 0;
      this.name = el.dataset.name || 'rows';
      if (this.table) this.sorting();
      this.toolbar();
      this.show();
      el.classList.add('ready');
    }

    text(row) {
      if (row.search === undefined) row.search = row.textContent.toLowerCase();
      return row.search;
    }

    toolbar() {
      const few = this.all.length <= 5;
      this.status = make('span', { className: 'status' });
      this.status.setAttribute('role', 'status');
      if (few) return;
      const bar = make('div', { className: 'bar' });
      this.input = make('input', { type: 'search', placeholder: 'Search ' + this.name, autocomplete: 'off', spellcheck: false });
      this.input.setAttribute('aria-label', 'Search ' + this.name);
      let wait = 0;
      this.input.addEventListener('input', () => { clearTimeout(wait); wait = setTimeout(() => this.search(), 80); });
      bar.append(this.input, this.status);
      if (this.all.length > this.size) {
        this.back = make('button', { type: 'button', className: 'plain', textContent: 'Back' });
        this.next = make('button', { type: 'button', className: 'plain', textContent: 'Next' });
        this.back.setAttribute('aria-label', 'Previous page of ' + this.name);
        this.next.setAttribute('aria-label', 'Next page of ' + this.name);
        this.back.addEventListener('click', () => this.turn(-1));
        this.next.addEventListener('click', () => this.turn(1));
        bar.append(make('span', { className: 'pager' }, this.back, this.next));
      }
      const box = this.el.closest('.scroll') || this.el;
      box.parentNode.insertBefore(bar, box);
    }

    turn(by) {
      this.page += by;
      this.show();
    }

    search() {
      const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.hits = words.length ? this.all.filter((row) => words.every((w) => this.text(row).includes(w))) : this.all;
      this.page = 0;
      this.show();
    }

    show(everything) {
      const pages = Math.max(1, Math.ceil(this.hits.length / this.size));
      this.page = Math.min(Math.max(this.page, 0), pages - 1);
      const from = everything ? 0 : this.page * this.size;
      const rows = this.hits.slice(from, everything || from + this.size);
      this.body.replaceChildren(...rows);
      const all = this.all.length.toLocaleString('en');
      const found = this.hits.length === this.all.length ? all + ' ' + this.name : this.hits.length.toLocaleString('en') + ' of ' + all + ' ' + this.name;
      this.status.textContent = pages > 1 ? (from + 1).toLocaleString('en') + '–' + (from + rows.length).toLocaleString('en') + ' of ' + found : found;
      if (this.back) {
        this.back.disabled = this.page === 0;
        this.next.disabled = this.page === pages - 1;
      }
    }

    sorting() {
      Array.from(this.el.tHead.rows[0].cells).forEach((th, column) => {
        if (!th.dataset.sort) return;
        const button = make('button', { type: 'button' });
        th.dataset.label = th.textContent; // what paper shows: Chromium leaves buttons out of repeated heads
        button.append(...th.childNodes);
        th.append(button);
        th.setAttribute('aria-sort', 'none');
        button.addEventListener('click', () => this.sort(th, column));
      });
    }

    sort(th, column) {
      const numbers = th.dataset.sort === 'n';
      const was = th.getAttribute('aria-sort');
      const down = was === 'ascending' || (was === 'none' && numbers && column > 0);
      for (const other of this.el.tHead.rows[0].cells) if (other.hasAttribute('aria-sort')) other.setAttribute('aria-sort', 'none');
      th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const key = (row) => {
        const cell = row.cells[column];
        const text = cell.textContent.trim();
        if (!numbers) return text.toLowerCase();
        const v = parseFloat(cell.dataset.v === undefined ? text.replace(/[#,%<>]/g, '') : cell.dataset.v);
        return Number.isNaN(v) ? -Infinity : v;
      };
      const keyed = this.hits.map((row, i) => [key(row), i, row]);
      const sign = down ? -1 : 1;
      keyed.sort((a, b) => (a[0] < b[0] ? -sign : a[0] > b[0] ? sign : a[1] - b[1]));
      this.hits = keyed.map((k) => k[2]);
      if (this.hits.length === this.all.length) this.all = this.hits;
      this.page = 0;
      this.show();
    }

    // reveal turns to the page that shows an element, whatever was
    // searched for.
    reveal(el) {
      const row = this.all.find((r) => r === el || r.contains(el));
      if (!row) return false;
      if (!this.hits.includes(row)) {
        if (this.input) this.input.value = '';
        this.hits = this.all;
      }
      this.page = Math.floor(this.hits.indexOf(row) / this.size);
      this.show();
      return true;
    }

    find(id) {
      for (const row of this.all) {
        const el = row.id === id ? row : row.querySelector('#' + CSS.escape(id));
        if (el) return el;
      }
      return null;
    }
  }

  const listings = Array.from(document.querySelectorAll('.data'), (el) => new Listing(el));
  const dialogues = listings.find((l) => l.el.id === 't-dialogues');

  // An address with a session opens its ladder.
  const open = () => {
    const id = location.hash.slice(1);
    if (!id.startsWith('s-') || !dialogues) return;
    const inside = dialogues.find(id);
    if (!inside || !dialogues.reveal(inside)) return;
    const details = inside.closest('details');
    details.open = true;
    details.scrollIntoView({ block: 'start' });
    details.querySelector('summary').focus({ preventScroll: true });
  };
  window.addEventListener('hashchange', open);
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#s-"]');
    if (link && link.getAttribute('href') === location.hash) open();
  });
  open();

  // The table of contents follows what is on the screen.
  const links = new Map(Array.from(document.querySelectorAll('nav a'), (a) => [a.getAttribute('href').slice(1), a]));
  const seen = new Set();
  const follow = new IntersectionObserver((entries) => {
    for (const e of entries) if (e.isIntersecting) seen.add(e.target.id); else seen.delete(e.target.id);
    let first = true;
    for (const [id, a] of links) {
      if (seen.has(id) && first) {
        a.setAttribute('aria-current', 'true');
        first = false;
      } else a.removeAttribute('aria-current');
    }
  }, { rootMargin: '-10% 0px -60% 0px' });
  for (const id of links.keys()) follow.observe(document.getElementById(id));

  // Paper has no pages to turn: it gets the rows up to a limit.
  const paperRows = 1000;
  window.addEventListener('beforeprint', () => listings.forEach((l) => l.show(paperRows)));
  window.addEventListener('afterprint', () => listings.forEach((l) => l.show()));
})();
