document.documentElement.classList.add('js');
try { const t = localStorage.getItem('popscope-theme'); if (t === 'dark' || t === 'light') document.documentElement.dataset.theme = t; } catch (e) { /* no storage: the system decides */ }
